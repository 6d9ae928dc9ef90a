"""Five thousand senders of one octet in ten seconds, in every state: what 100 good ones notice.

And what a single client can take: its share of connections, no more.
"""

import argparse
import collections
import heapq
import itertools
import socket
import ssl
import statistics
import threading
import time

from bench_lab import print_machine
from bench_load import (
    PER_ADDRESS,
    LoadClient,
    allow_descriptors,
    ask,
    connect_from,
    loopback_address,
    median_load,
)
from siding_lab import Daemon, Lab, run
from test_certificates import make_certificate

OCTET_EVERY_SECONDS = 10.0
SLOWER_MAX = 2.0
SESSIONS = 100
STATES = ("before EHLO", "in a command", "in DATA", "in BDAT", "in the handshake")


def client_hello() -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    out = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), out).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


class Sender:
    """One connection that has come quickly to where it is slow; opened again when thrown out."""

    def __init__(self, port: int, number: int, state: str):
        self.port, self.number, self.state = port, number, state
        self.connection: socket.socket | None = None
        self.octets = iter(b"")

    def open(self) -> None:
        address = loopback_address(self.number // PER_ADDRESS)
        connection = connect_from(address, self.port, timeout=10)
        ask(connection, b"", b"220")
        slow = b"EHLO slow.example\r\n"
        if self.state != "before EHLO":
            ask(connection, b"EHLO slow.example\r\n", b"250")
            slow = b"MAIL FROM:<" + b"a" * 60
        if self.state == "in the handshake":
            ask(connection, b"STARTTLS\r\n", b"220")
            slow = client_hello()
        if self.state in ("in DATA", "in BDAT"):
            ask(connection, b"MAIL FROM:<ann@sender.example>\r\n", b"250")
            ask(connection, b"RCPT TO:<bob@example.com>\r\n", b"250")
            slow = b"Subject: slow\r\n\r\n" + b"x" * 1000
        if self.state == "in DATA":
            ask(connection, b"DATA\r\n", b"354")
        if self.state == "in BDAT":
            connection.sendall(b"BDAT 1000000 LAST\r\n")
        connection.setblocking(False)
        self.connection, self.octets = connection, iter(slow)

    def send_octet(self) -> bool:
        """False when the server has had enough of it, or when it has said all."""
        assert self.connection
        octet = next(self.octets, None)
        try:
            if octet is None:
                return False
            self.connection.send(bytes([octet]))
            return True
        except OSError:
            return False

    def close(self) -> None:
        if self.connection:
            self.connection.close()


class SlowLoris(threading.Thread):
    """All of them in one thread: an octet here, an octet there."""

    def __init__(self, daemon: Daemon, count: int):
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.opened_again: collections.Counter[str] = collections.Counter()
        self.failed: list[str] = []
        self.senders = [
            Sender(daemon.port, number, state)
            for number, state in zip(range(count), itertools.cycle(STATES))
        ]
        for sender in self.senders:
            sender.open()

    def run(self) -> None:
        start = time.monotonic()
        pause = OCTET_EVERY_SECONDS / len(self.senders)
        due = [(start + n * pause, n) for n in range(len(self.senders))]
        while not self.ended.wait(max(0.0, due[0][0] - time.monotonic())):
            when, number = due[0]
            heapq.heapreplace(due, (when + OCTET_EVERY_SECONDS, number))
            self.turn(self.senders[number])

    def turn(self, sender: Sender) -> None:
        if sender.send_octet():
            return
        sender.close()
        self.opened_again[sender.state] += 1
        try:
            sender.open()
        except (OSError, AssertionError) as problem:
            self.failed.append(f"{sender.state}: {problem}")

    def stop(self) -> None:
        self.ended.set()
        self.join()
        for sender in self.senders:
            sender.close()


def good_ones(client: LoadClient, daemon: Daemon, options, seconds: float = 0.0):
    """Medians of rate and p99 over rounds, and over at least so many seconds."""
    start, loads = time.monotonic(), []
    while len(loads) < options.rounds or time.monotonic() - start < seconds:
        loads.append(client.run(daemon.port, SESSIONS, options.messages))
    return median_load(loads, "rate"), median_load(loads, "p99_ms")


def one_client_alone(daemon: Daemon, share: int) -> None:
    """Four times its share from one address: the rest hear 421, and everybody else is served."""
    answers: collections.Counter[bytes] = collections.Counter()
    connections = [connect_from("127.2.0.1", daemon.port) for _ in range(4 * share)]
    for connection in connections:
        answers[connection.recv(512)[:3]] += 1
    other = connect_from("127.2.0.2", daemon.port)
    ask(other, b"", b"220")
    for connection in [other, *connections]:
        connection.close()
    print(f"one client, {4 * share} connections: {dict(answers)}; another one is greeted")
    assert answers == {b"220": share, b"421": 3 * share}, answers


def make_story(options: argparse.Namespace):
    def story(lab: Lab) -> None:
        allow_descriptors(options.senders + 2_000)
        print_machine(lab)
        client = LoadClient(lab)
        certificate, key = make_certificate(lab.directory / "tls", ["hold.example.net"])
        config = lab.config(tls={"certificate": str(certificate), "key": str(key)})
        del config["limits"]  # the defaults
        daemon = lab.daemon(config).start()
        good_ones(client, daemon, options)
        alone = [good_ones(client, daemon, options)]
        slow = SlowLoris(daemon, options.senders)
        slow.start()
        rate, p99 = good_ones(client, daemon, options, options.seconds)
        listed = daemon.api("GET", "/v1/sessions")["sessions"]
        sessions = collections.Counter(session["state"] for session in listed)
        slow.stop()
        assert not slow.failed, slow.failed[:5]
        alone.append(good_ones(client, daemon, options))
        alone_rate, alone_p99 = (statistics.mean(column) for column in zip(*alone))
        print(f"slow ones at the end: {dict(sessions)}; opened again: {dict(slow.opened_again)}")
        print(
            f"{SESSIONS} good ones: {alone_rate:.0f} msgs/s, p99 {alone_p99:.1f} ms alone;"
            f" {rate:.0f} msgs/s, p99 {p99:.1f} ms beside {options.senders} slow ones"
        )
        missed = False
        for what, ratio in (("slower", alone_rate / rate), ("p99 longer", p99 / alone_p99)):
            missed |= ratio > SLOWER_MAX
            verdict = "ok" if ratio <= SLOWER_MAX else "ABOVE"
            print(f"{what} by {ratio:.2f} x (at most {SLOWER_MAX:g}) {verdict}")
        one_client_alone(daemon, 50)
        assert not missed, "the good ones suffer"

    return story


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--senders", type=int, default=5_000)
    parser.add_argument("--messages", type=int, default=8_000, help="of each round")
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    parser.add_argument("--seconds", type=float, default=45.0, help="so long at least")
    run(make_story(parser.parse_args()))
