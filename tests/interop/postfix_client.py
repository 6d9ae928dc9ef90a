"""Postfix sends: sendmail, its queue, a transport to Siding; what it sent is what arrives."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from postfix_lab import Postfix
from sample_mail import assert_relayed
from siding_lab import Lab, run, wait_until

# Postfix folds longer lines (smtp_line_length_limit); that is not what this is about.
BODY = "Grüße aus der Warteschlange\n.dot\n..two\n" + "x" * 900 + "\nFrom the end\n"

SEND = ("-i", "-B8BITMIME", "-f")


def story(lab: Lab) -> None:
    new = lab.sink()
    daemon = lab.daemon(lab.config(new=new)).start().keep_port()
    route = f"inline:{{ example.com=relay:[127.0.0.1]:{daemon.port} }}"
    postfix = Postfix(lab, transport_maps=route).start()

    mail = f"From: ann@sender.example\nSubject: by sendmail\n\n{BODY}".encode()
    for number in range(20):
        bob = f"bob{number}@example.com"
        postfix.tool("sendmail", *SEND, "ann@sender.example", bob, stdin=mail)
    many = [f"eve{number}@example.com" for number in range(60)]
    postfix.tool("sendmail", *SEND, "<>", *many, stdin=mail)
    wait_until(lambda: len(daemon.rows(state="held")) == 80, "80 recipients are held")
    wait_until(lambda: postfix.queued() == 0, "Postfix's queue is empty")
    assert "status=bounced" not in postfix.log() and "status=deferred" not in postfix.log()
    assert all(row["sender"] == "" for row in daemon.rows(sender="<>"))
    assert len(daemon.rows(sender="<>")) == 60

    # Stored octets are what Postfix sent: its own trace and headers, then the untouched body.
    stored = {
        row["recipient"]: daemon.octets_of(row["message"], trace=False) for row in daemon.rows()
    }
    body = BODY.encode().replace(b"\n", b"\r\n")
    for octets in stored.values():
        assert octets.startswith(b"Received: by postfix.example.net") and octets.endswith(body)
    daemon.kill()
    daemon.start()
    daemon.release()
    for recipient, octets in stored.items():
        (delivery,) = new.of(recipient)
        assert_relayed(delivery.octets, octets)
        assert "BODY=8BITMIME" in delivery.mail_parameters
    daemon.assert_balanced(accepted=80, delivered=80)

    # A retired domain makes Postfix bounce: the code works.
    daemon.api("PUT", "/v1/phases/example.com", {"phase": "release", "why": ""})
    wait_until(
        lambda: daemon.api("GET", "/v1/phases")["phases"][0]["phase"] == "pass_new",
        "nothing is left to release",
    )
    daemon.api("PUT", "/v1/phases/example.com", {"phase": "retired", "why": ""})
    postfix.tool("sendmail", *SEND, "ann@sender.example", "gone@example.com", stdin=mail)
    postfix.wait_log(r"gone@example\.com.*dsn=5\.1\.2.*status=bounced")


run(story)
