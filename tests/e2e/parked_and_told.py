"""Refused mail is grouped by cause, goes elsewhere by a remap, or is given up with a report."""

import email
import email.policy
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed, message
from siding_lab import Lab, run
from smtp_client import send_mail

UNKNOWN = "550 5.1.1 <{}>: Recipient address rejected: User unknown"


def story(lab: Lab) -> None:
    old, new = lab.sink(), lab.sink()
    daemon = lab.daemon(lab.config(new=new, old=old, dsn={"server": "old"})).start()
    original = message()
    everybody = ["bob@example.com", "eve@example.com", "sue@example.com"]
    assert send_mail(daemon.port, "ann@sender.example", everybody, original).code == 250
    assert send_mail(daemon.port, "", ["eve@example.com"], original).code == 250
    for address in everybody:
        new.answer("RCPT", UNKNOWN.format(address), address=address)
    job = daemon.release(domain="example.com")
    assert job["counts"]["parked"] == 4, job

    parked = daemon.api("GET", "/v1/parked")
    assert [group["cause"] for group in parked["groups"]] == ["no_such_mailbox"], parked
    group = parked["groups"][0]
    assert (group["recipients"], group["mailboxes"]) == (4, 3), group
    shown = daemon.siding("parked").ok().out
    assert "4 recipients  no_such_mailbox" in shown, shown

    # One is called otherwise on the new server.
    daemon.siding("remap", "add", "bob@example.com", "robert@example.com").ok()
    daemon.kill()
    daemon.start()
    assert "robert@example.com" in daemon.siding("remap", "list").ok().out
    daemon.release(recipient="bob@example.com", state="parked")
    assert_relayed(new.of("robert@example.com")[0].octets, original)
    told = daemon.siding("trace", "bob@example.com").ok().out
    assert "as robert@example.com: accepted" in told and "ann@sender.example" in told, told

    # The others are given up: their sender hears of it once, a bounce's sender never.
    given_up = daemon.siding("queue", "discard", "--cause", "no_such_mailbox", "--dsn", "--yes")
    assert "3 recipients discarded\n1 report " in given_up.ok().out, given_up.out
    assert "1 recipient without a report" in given_up.out, given_up.out
    report = old.wait_for(1)[0]
    assert (report.sender, report.recipients) == ("", ["ann@sender.example"])
    parsed = email.message_from_bytes(report.octets, policy=email.policy.SMTP)
    assert parsed.get_content_type() == "multipart/report", parsed
    status = parsed.get_payload()[1].get_payload()
    assert [fields["Final-Recipient"] for fields in status[1:]] == [
        "rfc822; eve@example.com",
        "rfc822; sue@example.com",
    ]
    assert {fields["Status"] for fields in status[1:]} == {"5.1.1"}
    daemon.assert_balanced(accepted=5, delivered=2, discarded=3, parked=0)
    assert len(old.all) == 1


run(story)
