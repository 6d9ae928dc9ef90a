"""Exim as the new server: whole transactions in BDAT chunks, one behind the other; refusals too."""

import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from exim_lab import EximServer
from sample_mail import assert_relayed, message, random_message
from siding_lab import Lab, run, wait_until
from smtp_client import SmtpClient

COUNT = 300


def story(lab: Lab) -> None:
    box = lab.sink()
    exim = EximServer(lab, box.port).start()
    config = lab.config()
    config["servers"]["new"] = {"address": f"127.0.0.1:{exim.port}", "connections": 4}
    daemon = lab.daemon(config).start()
    draw = random.Random(11)
    originals = {}
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        for number in range(COUNT):
            recipient = f"box{number}@example.com"
            size = 300_000 if number % 50 == 0 else draw.randrange(100, 9000)
            # Exim cuts messages at a NUL.
            octets = random_message(draw, f"m{number}", size).replace(b"\0", b"~")
            originals[recipient] = octets
            assert client.transact("ann@sender.example", [recipient], octets).code == 250
        mixed = ["gone@example.com", "both@example.com", "later@example.com"]
        assert client.transact("ann@sender.example", mixed, message("mixed")).code == 250
    daemon.siding("release", "--to", "new").ok()
    box.wait_for(COUNT + 1, 120)
    for recipient, octets in originals.items():
        (delivery,) = box.of(recipient)
        assert_relayed(delivery.octets, octets)
    assert "no such mailbox" in daemon.wait_state("gone@example.com", "parked")["last_reply"]
    wait_until(lambda: "still copying" in daemon.row("later@example.com")["last_reply"], "deferred")
    # K: it came in chunks (Exim's log says so of what it received).
    chunked = [line for line in exim.log().splitlines() if " <= " in line and " K " in line]
    assert len(chunked) == COUNT + 1, exim.log()[-2000:]
    entry = daemon.siding("trace", "box1@example.com").ok().out
    assert "accepted, their id is 1" in entry, entry
    daemon.assert_balanced(accepted=COUNT + 3, delivered=COUNT + 1, parked=1)


run(story)
