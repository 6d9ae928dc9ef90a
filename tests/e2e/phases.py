"""Each phase treats new mail as the table says; only legal moves happen; a restart keeps them."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed, message
from siding_lab import ApiError, Lab, run
from smtp_client import send_mail

DOMAINS = {
    "prep.example": {"phase": "prep"},
    "old.example": {"phase": "pass_old"},
    "hold.example": {"phase": "hold"},
    "new.example": {"phase": "pass_new"},
    "gone.example": {"phase": "retired"},
}


def answers(port: int) -> dict[str, tuple[int, str]]:
    found = {}
    for domain in DOMAINS:
        reply = send_mail(port, "ann@sender.example", f"bob@{domain}", message())
        found[domain] = (reply.code, reply.enhanced)
    return found


def story(lab: Lab) -> None:
    old, new = lab.sink(), lab.sink()
    daemon = lab.daemon(lab.config(new=new, old=old, domains=DOMAINS)).start()
    expected = {
        "prep.example": (450, "4.7.1"),
        "old.example": (250, "2.0.0"),
        "hold.example": (250, "2.0.0"),
        "new.example": (250, "2.0.0"),
        "gone.example": (550, "5.1.2"),
    }
    found = answers(daemon.port)
    assert found == expected, found
    assert old.wait_for(1)[0].recipients == ["bob@old.example"]
    assert new.wait_for(1)[0].recipients == ["bob@new.example"]
    assert daemon.row("bob@hold.example")["state"] == "held"

    # An illegal move is refused with the legal ones, and changes nothing.
    refused = daemon.siding("phase", "prep.example", "retired")
    assert refused.code == 1 and "pass_old" in refused.err and "hold" in refused.err, refused
    assert len(refused.err.strip().splitlines()) == 1, refused.err
    try:
        daemon.api("PUT", "/v1/phases/hold.example", {"phase": "retired", "why": "no"})
        raise AssertionError("hold → retired was allowed")
    except ApiError as error:
        assert error.status == 409 and "release" in error.text and "pass_old" in error.text, error
    assert daemon.siding("phase", "nowhere.example", "hold").code == 1

    # Legal moves count from the next transaction on.
    daemon.siding("phase", "prep.example", "hold", "--why", "the window opens").ok()
    moved = daemon.api("PUT", "/v1/phases/new.example", {"phase": "hold", "why": ""})
    assert (moved["from"], moved["to"]) == ("pass_new", "hold"), moved
    for domain in ("prep.example", "new.example"):
        reply = send_mail(daemon.port, "ann@sender.example", f"ben@{domain}", message())
        assert reply.code == 250, reply
        assert daemon.row(f"ben@{domain}")["state"] == "held"

    # The queue remembers; the configuration only names the first phase.
    daemon.kill()
    daemon.start()
    domains = daemon.api("GET", "/v1/status")["domains"]
    phases = {entry["domain"]: entry["phase"] for entry in domains}
    assert phases == {
        "prep.example": "hold",
        "old.example": "pass_old",
        "hold.example": "hold",
        "new.example": "hold",
        "gone.example": "retired",
    }, phases

    # `release` drains the backlog and becomes pass_new; mail that comes meanwhile goes behind it.
    original = message("after the backlog")
    daemon.siding("phase", "hold.example", "release").ok()
    send_mail(daemon.port, "ann@sender.example", "ben@hold.example", original)
    new.wait_for(3)
    assert_relayed(new.of("ben@hold.example")[0].octets, original)
    assert len(new.of("bob@hold.example")) == 1
    assert new.of("ben@new.example") == [] and new.of("ben@prep.example") == []
    daemon.assert_balanced(accepted=6, delivered=4, held=2)


run(story)
