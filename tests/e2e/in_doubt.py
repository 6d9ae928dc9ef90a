"""A connection lost after the final dot is written down as in doubt; the mail is sent again."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed, message, message_id_of
from siding_lab import Lab, run, wait_until
from smtp_client import send_mail
from smtp_sink import DROP


def story(lab: Lab) -> None:
    new = lab.sink()
    daemon = lab.daemon(lab.config(new=new)).start()
    original = message()
    send_mail(daemon.port, "ann@sender.example", "bob@example.com", original)

    new.answer("DOT", DROP, times=1)
    daemon.api("POST", "/v1/releases", {"filter": {"state": "held"}, "to": "new", "dry_run": False})
    first, second = new.wait_for_any(2)
    assert (first.answer, second.answer[:3]) == (DROP, "250")
    assert_relayed(first.octets, original)
    assert_relayed(second.octets, original)

    query = message_id_of(original)
    kinds = wait_until(
        lambda: [k for k in [daemon.ledger_kinds(query)] if "delivered" in k],
        "the ledger says delivered",
    )
    kinds = kinds[0]
    assert kinds == ["accepted", "released", "attempt", "in_doubt", "attempt", "delivered"], kinds
    shown = daemon.siding("trace", query).ok().out
    assert "it may have arrived, and may arrive twice" in shown, shown
    daemon.assert_balanced(accepted=1, delivered=1)

    # Before the final dot there is no doubt.
    original = message()
    send_mail(daemon.port, "ann@sender.example", "ben@example.com", original)
    new.answer("DATA", DROP, times=1)
    daemon.release()
    kinds = daemon.ledger_kinds(message_id_of(original))
    assert "in_doubt" not in kinds and kinds.count("deferred") == 1, kinds
    assert len(new.of("ben@example.com")) == 1


run(story)
