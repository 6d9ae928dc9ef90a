"""Waves: a pilot goes to the new server while the rest stays with the old one; one flip for many."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed, message
from siding_lab import Lab, run, wait_until
from smtp_client import SmtpClient, send_mail


def phases(daemon) -> dict[str, str]:
    return {
        f"{wave['domain']}/{wave['wave']}": wave["phase"]
        for wave in daemon.api("GET", "/v1/phases")["phases"]
    }


def story(lab: Lab) -> None:
    old, new = lab.sink(), lab.sink()
    (lab.directory / "pilot.txt").write_text("# the brave\nbob@example.com\neve@example.com\n")
    config = lab.config(
        old=old,
        new=new,
        domains={
            "example.com": {
                "phase": "pass_old",
                "waves": {
                    "pilot": {"file": str(lab.directory / "pilot.txt"), "phase": "pass_new"},
                    "sales": {"pattern": ["sales-*"], "phase": "hold"},
                },
            },
            "other.example": {"phase": "pass_old"},
        },
    )
    daemon = lab.daemon(config).start()
    assert phases(daemon)["example.com/pilot"] == "pass_new"

    # One message, three routes: stored once, octets the same everywhere.
    octets = message("for all of you")
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        reply = client.transact(
            "ann@sender.example",
            ["bob+tag@example.com", "carl@example.com", "sales-eu@example.com"],
            octets,
        )
        assert reply.code == 250, reply
    assert_relayed(new.wait_for(1)[0].octets, octets)
    assert_relayed(old.wait_for(1)[0].octets, octets)
    assert new.deliveries[0].recipients == ["bob+tag@example.com"]
    assert old.deliveries[0].recipients == ["carl@example.com"]
    row = daemon.wait_state("sales-eu@example.com", "held")
    assert row["wave"] == "sales", row

    # Mail that is held already follows its recipient into a new wave.
    daemon.siding("flip", "--to", "hold", "example.com", "other.example").ok()
    send_mail(daemon.port, "ann@sender.example", "dora@example.com", message("held"))
    assert daemon.wait_state("dora@example.com", "held")["wave"] == "default"
    csv = lab.directory / "second.csv"
    csv.write_text("Name,Email\nDora,dora@example.com\nFritz,fritz@example.com\n")
    daemon.siding(
        "wave", "add", "example.com/second", "--file", str(csv), "--format", "csv",
        "--column", "Email",
    ).ok()  # fmt: skip
    wait_until(  # while it moves it may be in neither
        lambda: [row["wave"] for row in daemon.rows(recipient="dora@example.com")] == ["second"],
        "dora has moved",
    )
    listed = daemon.siding("wave", "list").ok().out
    assert "second" in listed and "pilot" in listed, listed
    daemon.siding("flip", "--to", "release", "example.com/second").ok()
    wait_until(lambda: new.of("dora@example.com"), "dora's mail has left")
    wait_until(lambda: phases(daemon)["example.com/second"] == "pass_new", "and her wave is through")
    assert phases(daemon)["example.com/default"] == "hold"
    assert daemon.row("sales-eu@example.com")["state"] == "held"

    # All or nothing: an illegal target changes none of them.
    before = phases(daemon)
    refused = daemon.siding("flip", "--to", "retired", "example.com/pilot", "other.example")
    assert refused.code != 0 and "other.example" in refused.err, refused
    assert phases(daemon) == before

    # It all survives a restart; a wave that is removed gives its people back.
    daemon.restart()
    assert phases(daemon) == before
    send_mail(daemon.port, "ann@sender.example", "fritz@example.com", message("new at once"))
    wait_until(lambda: new.of("fritz@example.com"), "the second wave is remembered")
    daemon.siding("wave", "remove", "example.com/second").ok()
    assert "example.com/second" not in phases(daemon)
    send_mail(daemon.port, "ann@sender.example", "fritz@example.com", message("back in line"))
    assert daemon.wait_state("fritz@example.com", "held")["wave"] == "default"
    daemon.siding("audit", "--deep").ok()


run(story)
