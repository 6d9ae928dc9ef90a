"""Parked mail that nobody wants: the sender hears of it, once, in the standard's form.

The report is for a sender that asked for one or did not say (RFC 3461); never for the null sender."""

import email
import email.policy
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import message, message_id_of
from siding_lab import Lab, run
from smtp_client import SmtpClient


def story(lab: Lab) -> None:
    old, new = lab.sink(), lab.sink()
    config = lab.config(old=old, new=new, dsn={"server": "old"})
    daemon = lab.daemon(config).start()
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        original = message("where did it go")
        assert client.command("MAIL FROM:<ann@sender.example> RET=HDRS ENVID=QQ314159").code == 250
        assert client.command("RCPT TO:<bob@example.com> ORCPT=rfc822;robert@example.com").code == 250
        assert client.data(original).code == 250
        assert client.command("MAIL FROM:<ann@sender.example>").code == 250
        assert client.command("RCPT TO:<quiet@example.com> NOTIFY=NEVER").code == 250
        assert client.data(message("quiet")).code == 250
        assert client.transact("", ["bounces@example.com"], message("a bounce")).code == 250

    asked = daemon.siding("--json", "queue", "discard", "--domain", "example.com", "--dsn",
                          "--why", "The mailbox was closed", "--yes").ok().json()  # fmt: skip
    assert (asked["moved"], asked["reports"], asked["unreported"]) == (3, 1, 2), asked
    (delivery,) = old.wait_for(1)
    assert (delivery.sender, delivery.recipients) == ("", ["ann@sender.example"])
    report = email.message_from_bytes(delivery.octets, policy=email.policy.SMTP)
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    words, status, returned = report.get_payload()
    # Why we gave it up is for our own books.
    assert "bob@example.com" in words.get_content()
    assert "The mailbox was closed" not in delivery.octets.decode()
    assert status.get_content_type() == "message/delivery-status"
    per_message, per_recipient = status.get_payload()
    assert per_message["Original-Envelope-Id"] == "QQ314159"
    assert per_message["Reporting-MTA"] == "dns; hold.example.net"
    assert per_recipient["Original-Recipient"].replace(" ", "") == "rfc822;robert@example.com"
    assert per_recipient["Final-Recipient"].replace(" ", "") == "rfc822;bob@example.com"
    assert per_recipient["Action"] == "failed"
    assert per_recipient["Status"].startswith("5.")
    assert returned.get_content_type() == "text/rfc822-headers"
    assert message_id_of(original) in returned.as_string()
    daemon.assert_balanced(accepted=4, discarded=3, delivered=1, held=0, due=0)
    assert len(old.all) == 1 and new.all == []


run(story)
