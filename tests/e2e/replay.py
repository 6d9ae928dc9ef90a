"""What was delivered can be delivered again, elsewhere, for as long as it is kept."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed, message, message_id_of
from siding_lab import Lab, run, wait_until
from smtp_client import send_mail


def story(lab: Lab) -> None:
    old, new = lab.sink(), lab.sink()
    config = lab.config(
        old=old,
        new=new,
        domains={"example.com": {"phase": "pass_new"}, "held.example": {"phase": "hold"}},
        retention={"time": "1d"},
    )
    daemon = lab.daemon(config).start()
    passed, held = message("passed"), message("held") + b"x" * 200_000 + b"\r\n"
    send_mail(daemon.port, "ann@sender.example", "bob@example.com", passed)
    send_mail(daemon.port, "ann@sender.example", "carl@held.example", held)
    daemon.siding("release", "--to", "new", "--wait").ok()
    new.wait_for(2)
    daemon.assert_balanced(accepted=2, delivered=2, held=0, due=0)

    # The new server burns down; the old one gets everything since then.
    daemon.siding("flip", "--to", "pass_old", "example.com").ok()
    dry = daemon.siding("--json", "replay", "--to", "old", "--since", "1h", "--dry-run").ok().json()
    assert dry["recipients"] == 2 and old.all == [], dry
    daemon.kill()
    daemon.start()
    daemon.siding("replay", "--to", "old", "--recipient", "bob@example.com").ok()
    assert_relayed(old.wait_for(1)[0].octets, passed)
    daemon.siding("replay", "--to", "old", "--domain", "held.example").ok()
    assert_relayed(old.wait_for(2)[1].octets, held)
    wait_until(
        lambda: daemon.ledger_kinds(message_id_of(passed)).count("delivered") == 2, "both stand there"
    )
    assert "replayed" in daemon.ledger_kinds(message_id_of(passed))
    assert "to be delivered again, to old" in daemon.siding("trace", "bob@example.com").ok().out
    # What is kept no more cannot be replayed: nothing matches.
    nobody = daemon.siding("replay", "--to", "old", "--recipient", "joe@example.com").ok().out
    assert "retention.time" in nobody, nobody
    books = daemon.assert_balanced(accepted=2, held=0, due=0, in_flight=0, parked=0)
    assert books["delivered"] == 4 and books["replayed"] == 2, books
    daemon.siding("audit", "--deep").ok()


run(story)
