"""After a 4xx, or with the server away, mail is due again on the schedule, and says why."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed, message
from siding_lab import Lab, run, wait_until
from smtp_client import send_mail


def story(lab: Lab) -> None:
    new = lab.sink()
    daemon = lab.daemon(lab.config(new=new, retry={"schedule": ["1s", "2s"]})).start()
    original = message()
    send_mail(daemon.port, "ann@sender.example", "bob@example.com", original)

    new.answer("RCPT", "451 4.7.1 greylisted, try later", address="bob@example.com", times=1)
    new.answer("DOT", "451 4.3.0 local error in processing", times=1)
    daemon.api("POST", "/v1/releases", {"filter": {"state": "held"}, "to": "new", "dry_run": False})
    row = wait_until(
        lambda: [r for r in daemon.rows(state="due") if "greylisted" in r["last_reply"]],
        "due again, with the reason",
    )[0]
    assert row["attempts"] == 1 and row["due_at"] > row["last_attempt_at"], row
    daemon.wait_log(r"4\.7\.1 greylisted, try later")
    daemon.wait_log(r"4\.3\.0 local error in processing")
    delivery = new.wait_for(1)[0]
    assert_relayed(delivery.octets, original)
    kinds = daemon.ledger_kinds("bob@example.com")
    assert kinds.count("deferred") == 2 and kinds.count("attempt") == 3, kinds
    gap = new.deliveries[0].started_at - new.all[0].started_at
    assert gap >= 1.5, f"the second wait was {gap:.1f} s, the schedule says 2 s"

    # A server that is away costs nothing but time.
    new.stop()
    original = message()
    send_mail(daemon.port, "ann@sender.example", "ben@example.com", original)
    daemon.api("POST", "/v1/releases", {"filter": {"state": "held"}, "to": "new", "dry_run": False})
    row = wait_until(
        lambda: [r for r in daemon.rows(state="due") if r["attempts"] > 0], "due again, unreachable"
    )[0]
    assert row["last_reply"], row
    daemon.restart()
    assert [r["recipient"] for r in daemon.rows()] == ["ben@example.com"]
    new.start()
    assert_relayed(new.wait_for(2)[1].octets, original)
    daemon.assert_balanced(accepted=2, delivered=2)


run(story)
