"""A second daemon on the same data is refused in one line, and the first one does not notice."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import message
from siding_lab import Lab, run
from smtp_client import send_mail


def story(lab: Lab) -> None:
    new = lab.sink()
    first = lab.daemon(lab.config(new=new)).start()
    send_mail(first.port, "ann@sender.example", "bob@example.com", message())

    other = lab.config(new=new, name="second") | {"data_dir": first.config["data_dir"]}
    second = lab.daemon(other, "second").spawn()
    code = second.wait_exit(30)
    assert code not in (0, None) and code > 0, f"exit {code}"
    errors = [line for line in second.log().splitlines() if "error" in line]
    assert errors and first.config["data_dir"] in second.log(), second.log()
    assert "listening" not in second.log(), second.log()

    # Same socket as well: the one of the living daemon is not taken away.
    third = lab.daemon(first.config, "third").spawn()
    assert third.wait_exit(30) > 0
    reply = send_mail(first.port, "ann@sender.example", "ben@example.com", message())
    assert reply.code == 250, reply
    first.assert_balanced(accepted=2, held=2)

    # What a killed daemon leaves behind stops nobody.
    first.kill()
    second.start()
    second.assert_balanced(accepted=2, held=2)


run(story)
