"""A start that cannot succeed ends at once with one line that says why, and harms nobody."""

import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from sample_mail import message
from siding_lab import Daemon, Lab, run
from smtp_client import send_mail


def assert_refused(daemon: Daemon, *words: str) -> None:
    daemon.spawn()
    code = daemon.wait_exit(30)
    assert code == 1, f"exit {code}\n{daemon.log()}"
    said = [line for line in daemon.log().splitlines() if "start_failed" in line]
    assert len(said) == 1, daemon.log()
    assert all(word in said[0] for word in words), said
    assert " listening " not in daemon.log(), daemon.log()


def story(lab: Lab) -> None:
    first = lab.daemon(lab.config(new=lab.sink())).start()
    assert send_mail(first.port, "ann@sender.example", "bob@example.com", message()).code == 250

    # A port that is taken; the data directory is not even made.
    config = lab.config(name="second", listeners=[{"address": f"127.0.0.1:{first.port}"}])
    assert_refused(lab.daemon(config, "second"), f"127.0.0.1:{first.port}", "in use")
    assert not pathlib.Path(config["data_dir"]).exists()

    # The control socket of a living daemon.
    config = lab.config(name="third", control=first.config["control"])
    assert_refused(lab.daemon(config, "third"), first.socket_path)
    assert len(first.rows()) == 1, "its socket was taken away"

    # A file that is no socket stands in the way: it is left alone.
    config = lab.config(name="fourth")
    in_the_way = pathlib.Path(config["control"]["socket"])
    in_the_way.write_text("mine")
    assert_refused(lab.daemon(config, "fourth"), str(in_the_way), "remove it")
    assert in_the_way.read_text() == "mine"

    # A data directory that cannot be one.
    config = lab.config(name="fifth")
    pathlib.Path(config["data_dir"]).write_text("a file")
    assert_refused(lab.daemon(config, "fifth"), config["data_dir"])

    # A token file that is not there, for either daemon.
    config = lab.config(name="sixth")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        http = f"127.0.0.1:{probe.getsockname()[1]}"
    missing = str(lab.directory / "token")
    config["control"] |= {"http": http, "token_file": missing}
    assert_refused(lab.daemon(config, "sixth"), missing)
    backfill = Backfill(lab, None, None, {}, "seventh")
    backfill.config["control"] |= {"http": http, "token_file": missing}
    backfill.write_config()
    assert_refused(backfill, missing)
    first.assert_balanced(accepted=1, held=1)


run(story)
