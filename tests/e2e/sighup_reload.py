"""SIGHUP takes over what may change, says what needs a restart, and keeps the old on errors."""

import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import message
from siding_lab import Daemon, Lab, run, wait_until
from smtp_client import SmtpClient, send_mail


def reload(daemon: Daemon) -> None:
    said = len(daemon.log())
    daemon.write_config()
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: " reloaded" in daemon.log()[said:], "the file is read again")


def answer_to_mail(daemon: Daemon) -> tuple[int, str]:
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        reply = client.mail("a@b.example")
        return reply.code, reply.enhanced


def story(lab: Lab) -> None:
    new, other = lab.sink(), lab.sink()
    daemon = lab.daemon(lab.config(new=new)).start()
    idle = SmtpClient(daemon.port)
    idle.ehlo()
    assert send_mail(daemon.port, "a@b.example", "bob@second.example", message()).code == 550

    # A new domain, a new address of a server: in force without a restart.
    daemon.config["domains"]["second.example"] = {"phase": "hold"}
    daemon.config["servers"]["new"] = {"address": other.address}
    daemon.write_config()
    daemon.signal(signal.SIGHUP)
    wait_until(
        lambda: send_mail(daemon.port, "a@b.example", "bob@second.example", message()).code == 250,
        "the new domain is accepted",
    )
    assert idle.command("NOOP").code == 250, "open sessions live on"
    daemon.release()
    assert (len(new.all), len(other.all)) == (0, 1)

    # A connection that is still open to the old address is not used again. The disk reserve counts
    # from the next look at the disk on, which is within a second.
    daemon.config["servers"]["new"] = {"address": new.address}
    daemon.config["storage"] = {"disk_reserve": "100%"}
    reload(daemon)
    wait_until(lambda: answer_to_mail(daemon) == (452, "4.3.1"), "the disk is below the reserve")
    daemon.config["storage"] = {"disk_reserve": "64MiB"}
    reload(daemon)
    wait_until(lambda: answer_to_mail(daemon) == (250, "2.1.0"), "there is room again")
    assert send_mail(daemon.port, "a@b.example", "ben@second.example", message()).code == 250
    daemon.release()
    assert (len(new.all), len(other.all)) == (1, 1)

    # A broken file changes nothing, and each error is logged.
    said = len(daemon.log())
    good = daemon.config_file.read_text()
    daemon.config_file.write_text(good + "colour: blue\nwood: 7\n")
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "colour" in daemon.log()[said:], "the error is logged")
    wait_until(lambda: "wood" in daemon.log()[said:], "all errors are logged")
    assert send_mail(daemon.port, "a@b.example", "bob@second.example", message()).code == 250

    # What needs a restart is named.
    said = len(daemon.log())
    daemon.config["data_dir"] = str(lab.directory / "elsewhere")
    daemon.write_config()
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "data_dir" in daemon.log()[said:], "the key is named")
    assert "restart" in daemon.log()[said:], daemon.log()[said:]
    assert not (lab.directory / "elsewhere").exists()
    daemon.assert_balanced(accepted=3, delivered=2, held=1)
    assert daemon.stop() == 0


run(story)
