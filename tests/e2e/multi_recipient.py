"""The recipient is the unit of holding: one message, several domains, phases and releases."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed, message
from siding_lab import Lab, run
from smtp_client import SmtpClient


def story(lab: Lab) -> None:
    old, new = lab.sink(), lab.sink()
    domains = {
        "hold.example": {"phase": "hold"},
        "new.example": {"phase": "pass_new"},
        "old.example": {"phase": "pass_old"},
        "prep.example": {"phase": "prep"},
    }
    daemon = lab.daemon(lab.config(new=new, old=old, domains=domains)).start()
    original = message()
    recipients = {
        "a@hold.example": 250, "b@hold.example": 250, "c@hold.example": 250, "d@new.example": 250,
        "e@old.example": 250, "f@prep.example": 450, "g@elsewhere.example": 550,
    }  # fmt: skip
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        assert client.mail("ann@sender.example").code == 250
        for recipient, code in recipients.items():
            reply = client.rcpt(recipient)
            assert reply.code == code, f"{recipient}: {reply}"
        assert client.data(original).code == 250

    assert new.wait_for(1)[0].recipients == ["d@new.example"]
    assert old.wait_for(1)[0].recipients == ["e@old.example"]
    held = {row["recipient"]: row["state"] for row in daemon.rows(state="held")}
    assert held == dict.fromkeys(("a@hold.example", "b@hold.example", "c@hold.example"), "held")
    assert len({row["message"] for row in daemon.rows(domain="hold.example")}) == 1

    # One recipient of the message goes, the others stay.
    counted = daemon.api(
        "POST",
        "/v1/releases",
        {"filter": {"recipient": "b@hold.example"}, "to": "new", "dry_run": True},
    )
    assert counted["recipients"] == 1, counted
    daemon.siding("release", "--recipient", "b@hold.example", "--to", "new", "--wait").ok()
    assert new.wait_for(2)[1].recipients == ["b@hold.example"]
    assert len(daemon.rows(state="held")) == 2

    # One is dropped by the operator, the last one goes: the books know each of them.
    third = {"recipient": "c@hold.example"}
    daemon.api("POST", "/v1/queue/discard", {"filter": third, "why": "left the firm"})
    daemon.release(domain="hold.example")
    assert sorted(r for d in new.deliveries for r in d.recipients) == [
        "a@hold.example",
        "b@hold.example",
        "d@new.example",
    ]
    for delivery in new.deliveries + old.deliveries:
        assert_relayed(delivery.octets, original)
    daemon.assert_balanced(accepted=5, delivered=4, discarded=1, held=0)


run(story)
