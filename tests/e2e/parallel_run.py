"""Parallel run: old decides, new gets a copy at its own pace, and a report compares the two."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed, message
from siding_lab import Lab, run, wait_until
from smtp_client import SmtpClient, send_mail


def story(lab: Lab) -> None:
    old, new = lab.sink(), lab.sink()
    new.answer("RCPT", "550 5.1.1 unknown here", address="carl@example.com")
    old.answer("RCPT", "550 5.1.1 left the company", address="eve@example.com")
    config = lab.config(
        old=old, new=new, domains={"example.com": {"phase": "pass_old", "copy": "new"}}
    )
    daemon = lab.daemon(config).start()
    originals = {name: message(name) for name in ("bob", "carl")}
    for name, octets in originals.items():
        reply = send_mail(daemon.port, "ann@sender.example", f"{name}@example.com", octets)
        assert reply.code == 250, reply
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        client.mail("ann@sender.example")
        refused = client.rcpt("eve@example.com")
        assert refused.code == 550 and "left the company" in refused.text, refused

    for name, octets in originals.items():
        (delivery,) = [d for d in old.wait_for(2) if f"{name}@example.com" in d.recipients]
        assert_relayed(delivery.octets, octets)
    wait_until(lambda: new.of("bob@example.com"), "the copy")
    assert_relayed(new.of("bob@example.com")[0].octets, originals["bob"])
    parked = daemon.wait_state("carl@example.com", "parked")
    assert parked["copy"] and "unknown here" in parked["last_reply"], parked
    assert not new.of("eve@example.com")

    compared = daemon.siding("--json", "copies")
    assert compared.code == 1, "the answer to 'do they agree' is no"
    report = compared.json()
    assert (report["agree"], report["differ"]) == (1, 1), report
    shown = daemon.siding("copies").out
    assert "carl@example.com" in shown and "unknown here" in shown, shown

    # The copy never delays: new is away, old still answers in session.
    new.stop()
    reply = send_mail(daemon.port, "ann@sender.example", "bob@example.com", message("again"))
    assert reply.code == 250 and len(old.wait_for(3)) == 3, reply
    daemon.siding("audit", "--deep").ok()
    books = daemon.audit()
    assert books["accepted"] == 6 and books["balanced"], books  # three messages and their copies


run(story)
