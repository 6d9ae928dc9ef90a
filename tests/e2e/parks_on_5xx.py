"""A 5xx parks the recipient with the server's words, nothing bounces, it can go again."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed, message
from siding_lab import Lab, run
from smtp_client import send_mail

WORDS = "5.1.1 <bob@example.com>: mailbox not created yet"


def story(lab: Lab) -> None:
    old, new = lab.sink(), lab.sink()
    daemon = lab.daemon(lab.config(new=new, old=old)).start()
    original = message()
    both = ["bob@example.com", "eve@example.com"]
    assert send_mail(daemon.port, "ann@sender.example", both, original).code == 250

    new.answer("RCPT", f"550 {WORDS}", address="bob@example.com")
    job = daemon.release(domain="example.com")
    assert (job["counts"]["parked"], job["counts"]["delivered"]) == (1, 1), job
    assert [d.recipients for d in new.all] == [["eve@example.com"]]
    row = daemon.row("bob@example.com")
    assert row["state"] == "parked" and WORDS in row["last_reply"], row
    # A table of reasons: the address in the words, which differs in every row, is left out.
    shown = daemon.siding("parked").ok().out
    assert "550 5.1.1 <…>: mailbox not created yet" in shown and "bob@example.com" in shown, shown
    assert WORDS in daemon.siding("queue", "show", row["message"]).ok().out
    assert "bob@example.com" in daemon.siding("queue", "list", "--state", "parked").ok().out

    # It waits for the operator over a restart, and no bounce was made.
    daemon.kill()
    daemon.start()
    assert daemon.row("bob@example.com")["state"] == "parked"
    daemon.assert_balanced(accepted=2, delivered=1, parked=1)

    # A 5xx to the whole message parks as well.
    new.accept_all()
    new.answer("DOT", "554 5.7.1 content refused", times=1)
    daemon.release(state="parked")
    assert "content refused" in daemon.wait_state("bob@example.com", "parked")["last_reply"]

    new.accept_all()
    daemon.siding("release", "--state", "parked", "--to", "new", "--wait").ok()
    assert_relayed(new.of("bob@example.com")[0].octets, original)
    assert [d.recipients for d in new.deliveries] == [["eve@example.com"], ["bob@example.com"]]
    assert old.all == []
    daemon.assert_balanced(accepted=2, delivered=2, parked=0)


run(story)
