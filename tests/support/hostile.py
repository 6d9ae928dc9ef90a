"""Plays conversations in every way that a network may cut them, and reads all that comes back.

A case is a list of steps: octets, and the reply that they cause ("250", "550 5.5.2", "" for none).
Whatever the packets look like, the replies have to be the same, and then the server closes. `%R` in
the octets is the name of the run, so that everything that gets stored can be told apart.
"""

import random
import re
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Callable, Iterable

from smtp_client import normalize_newlines

Step = tuple[bytes, str]
WAYS = ("stepwise", "whole", "pieces", "octets")
BYE: Step = (b"QUIT\r\n", "221 2.0.0")
EHLO: Step = (b"EHLO client.example\r\n", "250")
# What somebody would want to be taken for a second message.
SMUGGLED = b"MAIL FROM:<evil@evil.example>\r\nRCPT TO:<evil@example.com>\r\nDATA\r\n\r\nevil\r\n"
HEAD = b"Subject: x\r\n\r\n"
PROXY_V2 = b"\r\n\r\n\0\r\nQUIT\n"
OCTETWISE_MAX = 6000  # one packet each: more would only take time
REPLY_LINE = re.compile(rb"[2-5]\d\d[ -][\x20-\x7e]*")


@dataclass(frozen=True)
class Case:
    name: str
    steps: tuple[Step, ...]
    stored: dict[str, bytes] = field(default_factory=dict)  # recipient's name with %R: octets
    ways: tuple[str, ...] = WAYS

    @property
    def replies(self) -> list[str]:
        return [reply for _, reply in self.steps if reply]


def session(name: str, *steps: Step, stored: dict[str, bytes] | None = None, **more) -> Case:
    """EHLO, the steps, QUIT."""
    return Case(name, (EHLO, *steps, BYE), stored or {}, **more)


def cut_off(name: str, *steps: Step, after: bytes = b"", **more) -> Case:
    """EHLO and steps of which the last one ends the connection; `after` is not answered."""
    return Case(name, (EHLO, *steps, (after, "")), **more)


def mail(recipient: str = "%R", parameters: str = "") -> tuple[Step, ...]:
    space = " " if parameters else ""
    return (
        (f"MAIL FROM:<ann@sender.example>{space}{parameters}\r\n".encode(), "250 2.1.0"),
        (f"RCPT TO:<{recipient}@example.com>\r\n".encode(), "250 2.1.5"),
    )


def data(wire: bytes, reply: str = "250 2.0.0") -> tuple[Step, ...]:
    """`wire` is what stands between DATA and the dot, as it is sent."""
    return ((b"DATA\r\n", "354"), (wire + b".\r\n", reply))


def chunk(octets: bytes, reply: str = "250 2.0.0", last: bool = False) -> Step:
    return (b"BDAT %d%s\r\n" % (len(octets), b" LAST" if last else b"") + octets, reply)


def command(line: str | bytes, reply: str) -> Step:
    return ((line.encode() if isinstance(line, str) else line) + b"\r\n", reply)


def stored_form(wire: bytes) -> bytes:
    """RFC 5321 §4.5.2 on lines that CRLF ends, then bare CR and LF made CRLF."""
    return normalize_newlines((b"\r\n" + wire).replace(b"\r\n.", b"\r\n")[2:])


class Wire:
    """One connection from an address of our choice in 127/8, and all that the server has to say."""

    def __init__(self, port: int, source: str = "127.0.0.1", timeout: float = 30.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout, (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    def send(self, octets: bytes) -> None:
        """A server that has closed may be sent to: what it said is what counts."""
        try:
            self.socket.sendall(octets)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def send_in_pieces(self, octets: bytes, sizes: Callable[[], int]) -> None:
        start = 0
        while start < len(octets):
            size = sizes()
            self.send(octets[start : start + size])
            start += size

    def say(self, octets: bytes) -> str:
        """One command and its reply."""
        count = len(parse_replies(self.received)) + 1
        self.send(octets + b"\r\n")
        self.wait_replies(count)
        replies = parse_replies(self.received)
        return replies[-1] if len(replies) == count else "(closed)"

    def half_close(self) -> None:
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def wait_replies(self, count: int) -> None:
        """Until there are so many, or the server has closed."""
        while len(parse_replies(self.received)) < count and self._more():
            pass

    def replies(self) -> list[str]:
        """All of them, once the server has closed."""
        while self._more():
            pass
        return parse_replies(self.received)

    def _more(self) -> bool:
        try:
            octets = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self.received += octets
        return bool(octets)


def parse_replies(octets: bytes) -> list[str]:
    """Each reply as "250 2.1.0 Ok", of several lines the last. Asserts that all is well formed."""
    lines = octets.split(b"\r\n")
    found = []
    for line in lines[:-1]:
        assert REPLY_LINE.fullmatch(line), f"not a line of a reply: {line!r} in {octets[-300:]!r}"
        if line[3:4] == b" ":
            found.append(line.decode())
    return found


def matches(reply: str, expected: str) -> bool:
    return reply == expected or reply.startswith(expected + " ")


def assert_replies(found: list[str], *expected: str) -> None:
    fits = len(found) == len(expected) and all(map(matches, found, expected))
    assert fits, f"got {found}\nwant {list(expected)}"


def proxy_v1(source: str, family: str = "TCP4") -> bytes:
    destination = "2001:db8::25" if family == "TCP6" else "192.0.2.25"
    return f"PROXY {family} {source} {destination} 40000 25\r\n".encode()


def proxy_v2(source: str = "", command: int = 1, tail: bytes = b"") -> bytes:
    """PROXY from `source`, or LOCAL without addresses; `tail` are TLVs."""
    version6 = ":" in source
    family = socket.AF_INET6 if version6 else socket.AF_INET
    destination = "2001:db8::25" if version6 else "192.0.2.25"
    ends = b"".join(socket.inet_pton(family, end) for end in (source, destination) if source)
    ports = struct.pack("!HH", 40000, 25) if source else b""
    kind = (0x21 if version6 else 0x11) if source else 0
    payload = ends + ports + tail
    return PROXY_V2 + struct.pack("!BBH", 0x20 | command, kind, len(payload)) + payload


def play(port: int, case: Case, way: str, run: str, seed: int) -> None:
    """Asserts the replies and that the server closes after them."""
    steps = [(octets.replace(b"%R", run.encode()), reply) for octets, reply in case.steps]
    whole = b"".join(octets for octets, _ in steps)
    draw = random.Random(seed)
    with Wire(port) as wire:
        wire.wait_replies(1)
        if way == "stepwise":
            count = 1
            for octets, reply in steps:
                wire.send(octets)
                count += 1 if reply else 0
                wire.wait_replies(count)
        elif way == "whole":
            wire.send(whole)
        elif way == "octets":
            wire.send_in_pieces(whole, lambda: 1)
        else:
            longest = max(9, len(whole) // 40)
            wire.send_in_pieces(whole, lambda: draw.randint(1, longest))
        replies = wire.replies()
    expected = ["220", *case.replies]
    fits = len(replies) == len(expected) and all(map(matches, replies, expected))
    assert fits, f"{case.name}, {way}, seed {seed}:\n got {replies}\nwant {expected}"


def play_all(port: int, cases: Iterable[Case], prefix: str = "r") -> dict[str, bytes]:
    """Every case in every way; the recipients and octets that are to be found afterwards."""
    wanted: dict[str, bytes] = {}
    with ThreadPoolExecutor(8) as pool:
        running = []
        for number, case in enumerate(cases):
            length = sum(len(octets) for octets, _ in case.steps)
            for way in case.ways:
                if way == "octets" and length > OCTETWISE_MAX:
                    continue
                run = f"{prefix}{number}-{way}"
                running.append(pool.submit(play, port, case, way, run, number))
                for name, octets in case.stored.items():
                    recipient = name.replace("%R", run)
                    wanted[recipient + ("" if recipient[-1] == "." else "@example.com")] = octets
    failures = [str(failure) for failure in (one.exception() for one in running) if failure]
    assert not failures, f"{len(failures)} of {len(running)}:\n" + "\n".join(failures[:20])
    return wanted
