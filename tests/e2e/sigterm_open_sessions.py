"""Whoever keeps a connection open, SIGTERM ends the daemon in time, cleanly, and loses nothing."""

import pathlib
import random
import signal
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed, message, random_message
from siding_lab import Daemon, Lab, run, wait_until
from smtp_client import SmtpClient, send_mail
from smtp_sink import HANG

DRAIN_SECONDS = 4


def stopped_in(daemon: Daemon) -> float:
    started = time.monotonic()
    code = daemon.stop(timeout=60)
    assert code == 0, f"exit {code}\n{daemon.log()}"
    return time.monotonic() - started


def connect(daemon: Daemon, octets: bytes = b"") -> socket.socket:
    """A client of the control API who says just this."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(daemon.socket_path)
    client.sendall(octets)
    return client


def story(lab: Lab) -> None:
    new = lab.sink()
    daemon = lab.daemon(lab.config(new=new, drain_timeout=f"{DRAIN_SECONDS}s")).start()

    # Idle ones of every kind cost next to nothing.
    idle = [SmtpClient(daemon.port) for _ in range(20)]
    for number, client in enumerate(idle):
        if number % 4 > 0:
            client.ehlo()
        if number % 4 > 1:
            client.mail("ann@sender.example")
        if number % 4 > 2:
            client.rcpt("bob@example.com")
    asked = connect(daemon, b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
    assert asked.recv(12) == b"HTTP/1.1 200"
    silent = connect(daemon)
    took = stopped_in(daemon)
    assert took < 3, f"idle sessions held the daemon for {took:.1f} s"
    for client in idle:
        reply = client.read_reply()
        assert reply.code == 421, reply
        client.close()
    asked.close()
    silent.close()

    # Busy ones get until the deadline: a next hop that is silent after the final dot, a request
    # that never ends, a reader who does not read.
    daemon.start()
    original = message()
    large = random_message(random.Random(3), "large", 30_000_000)
    assert send_mail(daemon.port, "ann@sender.example", "bob@example.com", original).code == 250
    assert send_mail(daemon.port, "ann@sender.example", "big@example.com", large).code == 250
    new.answer("DOT", HANG, times=1)
    bob = {"filter": {"recipient": "bob@example.com"}, "to": "new", "dry_run": False}
    daemon.api("POST", "/v1/releases", bob)
    new.wait_for_any(1)
    half = connect(daemon, b"POST /v1/audit HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
    path = f"/v1/messages/{daemon.row('big@example.com')['message']}/octets"
    stuck = connect(daemon, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert stuck.recv(12) == b"HTTP/1.1 200"
    took = stopped_in(daemon)
    assert took < 5 * DRAIN_SECONDS, f"the drain took {took:.1f} s"
    print(f"drained in {took:.1f} s")
    half.close()
    stuck.close()
    new.accept_all()

    # What was cut off after its final dot is in doubt, and goes again.
    daemon.start()
    assert_relayed(new.wait_for(1)[0].octets, original)
    kinds = wait_until(
        lambda: [k for k in [daemon.ledger_kinds("bob@example.com")] if "delivered" in k],
        "delivered",
    )[0]
    assert "in_doubt" in kinds or "recovered" in kinds, kinds
    daemon.assert_balanced(accepted=2, delivered=1, held=1)

    # A second signal changes nothing; one that comes while it starts is not lost.
    daemon.signal(signal.SIGTERM)
    daemon.signal(signal.SIGTERM)
    assert daemon.wait_exit(20) == 0
    daemon.spawn()
    wait_until(lambda: handles_term(daemon), "it handles SIGTERM")
    assert daemon.stop(20) == 0, daemon.log()


def handles_term(daemon: Daemon) -> bool:
    assert daemon.process
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


run(story)
