"""Postfix as the new server: a release goes into it whole and once; refusals are understood."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from postfix_lab import Postfix
from sample_mail import message, message_id_of
from siding_lab import Lab, run, wait_until
from smtp_client import SmtpClient

COUNT = 200


def story(lab: Lab) -> None:
    behind = lab.sink()
    postfix = Postfix(
        lab,
        relayhost=f"[127.0.0.1]:{behind.port}",
        smtpd_recipient_restrictions=(
            "check_recipient_access inline:{ {gone@example.com=550 5.1.1 no mailbox here} "
            "{later@example.com=450 4.2.0 still copying} }, permit_mynetworks, reject"
        ),
    ).start()
    daemon = lab.daemon(lab.config(new=postfix.address)).start()

    originals = {}
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        for number in range(COUNT):
            body = b".dot\r\n\xfc\r\n" + b"y" * (number * 37 % 900) + b"\r\n"
            octets = message(f"mail {number}", body)
            originals[f"bob{number}@example.com"] = octets
            reply = client.transact("ann@sender.example", [f"bob{number}@example.com"], octets)
            assert reply.code == 250, reply
        for name in ("gone", "later"):
            client.transact("ann@sender.example", [f"{name}@example.com"], message(name))
    daemon.api("POST", "/v1/releases", {"filter": {"state": "held"}, "to": "new", "dry_run": False})

    behind.wait_for(COUNT, 60)
    assert "no mailbox here" in daemon.wait_state("gone@example.com", "parked")["last_reply"]
    wait_until(
        lambda: [r for r in daemon.rows(state="due") if "still copying" in r["last_reply"]],
        "deferred",
    )
    for recipient, octets in originals.items():
        (delivery,) = behind.of(recipient)
        # Postfix puts its own Received: before ours.
        assert delivery.octets.endswith(octets), recipient
        traces = delivery.octets[: -len(octets)]
        assert traces.count(b"Received: ") == 2 and b"(Siding)" in traces, traces
        assert delivery.sender == "ann@sender.example"
    # Postfix logs a delivery after the sink has answered it.
    wait_until(lambda: postfix.log().count("status=sent") >= COUNT, "Postfix has logged them")
    assert postfix.log().count("status=sent") == COUNT
    kinds = daemon.ledger_kinds(message_id_of(originals["bob0@example.com"]))
    assert kinds == ["accepted", "released", "attempt", "delivered"], kinds

    # Postfix away and back.
    postfix.stop()
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        client.transact("ann@sender.example", ["late@example.com"], message("late"))
    daemon.api("POST", "/v1/releases", {"filter": {"state": "held"}, "to": "new", "dry_run": False})
    wait_until(
        lambda: [r for r in daemon.rows(recipient="late@example.com") if r["attempts"] > 0], "tried"
    )
    postfix.start()
    behind.wait_for(COUNT + 1, 60)
    daemon.assert_balanced(accepted=COUNT + 3, delivered=COUNT + 1, parked=1)


run(story)
