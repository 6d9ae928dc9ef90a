"""DNS messages, as far as tests ask them, read them and break them.

    answer = ask(("127.0.0.1", 5353), "example.test", "MX")
    answer.data("MX")        ["10 mx.example.test"], sorted
    answer.ttl("MX")         the smallest
"""

import contextlib
import random
import socket
import struct
from dataclasses import dataclass, field

TYPES = {
    "A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33,
    "OPT": 41, "DS": 43, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "TLSA": 52, "CAA": 257,
}  # fmt: skip
NAMES = {number: name for name, number in TYPES.items()}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
HEADER = struct.Struct("!6H")
QR, AA, TC, RD, RA, AD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020
UDP_PAYLOAD = 1232


@dataclass(frozen=True)
class Record:
    owner: str
    kind: str
    ttl: int
    data: str


@dataclass
class Answer:
    ident: int
    flags: int
    question: tuple[str, str] = ("", "")
    answers: list[Record] = field(default_factory=list)
    authority: list[Record] = field(default_factory=list)
    additional: list[Record] = field(default_factory=list)
    octets: int = 0

    @property
    def rcode(self) -> str:
        return RCODES.get(self.flags & 0xF, str(self.flags & 0xF))

    def has(self, flag: int) -> bool:
        return bool(self.flags & flag)

    def data(self, kind: str) -> list[str]:
        return sorted(record.data for record in self.answers if record.kind == kind)

    def ttl(self, kind: str) -> int | None:
        return min((record.ttl for record in self.answers if record.kind == kind), default=None)


def encode_name(name: str) -> bytes:
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def make_query(
    name: str, kind: str, recurse: bool = True, edns: bool = True, dnssec: bool = False
) -> bytes:
    head = HEADER.pack(random.randrange(65536), RD if recurse else 0, 1, 0, 0, int(edns))
    opt = struct.pack("!BHHIH", 0, TYPES["OPT"], UDP_PAYLOAD, 0x8000 if dnssec else 0, 0)
    question = encode_name(name) + struct.pack("!HH", TYPES[kind], 1)
    return head + question + (opt if edns else b"")


def end_of_question(octets: bytes) -> int:
    """Where the sections behind the one question begin."""
    return _read_name(octets, HEADER.size)[1] + 4


def parse_answer(octets: bytes) -> Answer:
    ident, flags, questions, *counts = HEADER.unpack_from(octets)
    answer = Answer(ident, flags, octets=len(octets))
    at = HEADER.size
    for _ in range(questions):
        name, at = _read_name(octets, at)
        answer.question = (name, NAMES.get(struct.unpack_from("!H", octets, at)[0], "?"))
        at += 4
    for section, count in zip((answer.answers, answer.authority, answer.additional), counts):
        for _ in range(count):
            record, at = _read_record(octets, at)
            if record.kind != "OPT":
                section.append(record)
    return answer


def ask(
    server: tuple[str, int],
    name: str,
    kind: str,
    timeout: float = 2.0,
    tcp: bool = False,
    **query: bool,
) -> Answer | None:
    """None: no answer in time, or nobody listens. A truncated answer is not asked again by TCP."""
    octets = make_query(name, kind, **query)
    with contextlib.suppress(OSError):
        answer = parse_answer((_by_tcp if tcp else _by_udp)(server, octets, timeout))
        return answer if octets[:2] == struct.pack("!H", answer.ident) else None
    return None


def read_framed(connection: socket.socket) -> bytes:
    """One message of a TCP connection; empty at its end."""
    head = _read_exactly(connection, 2)
    return _read_exactly(connection, struct.unpack("!H", head)[0]) if head else b""


def framed(octets: bytes) -> bytes:
    return struct.pack("!H", len(octets)) + octets


def _by_udp(server: tuple[str, int], octets: bytes, timeout: float) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(timeout)
        asker.connect(server)
        asker.send(octets)
        return asker.recv(65535)


def _by_tcp(server: tuple[str, int], octets: bytes, timeout: float) -> bytes:
    with socket.create_connection(server, timeout) as asker:
        asker.sendall(framed(octets))
        answer = read_framed(asker)
        if not answer:
            raise ConnectionError("closed without an answer")
        return answer


def _read_exactly(connection: socket.socket, count: int) -> bytes:
    octets = b""
    while len(octets) < count:
        more = connection.recv(count - len(octets))
        if not more:
            return b""
        octets += more
    return octets


def _read_name(octets: bytes, at: int) -> tuple[str, int]:
    """RFC 1035 §4.1.4; the second is where the name ends in its own place."""
    labels: list[str] = []
    end = None
    while octets[at]:
        if octets[at] >= 0xC0:
            end = end or at + 2
            at = struct.unpack_from("!H", octets, at)[0] & 0x3FFF
            continue
        labels.append(octets[at + 1 : at + 1 + octets[at]].decode("latin-1").lower())
        at += 1 + octets[at]
    return ".".join(labels), end or at + 1


def _read_record(octets: bytes, at: int) -> tuple[Record, int]:
    owner, at = _read_name(octets, at)
    number, _, ttl, length = struct.unpack_from("!HHIH", octets, at)
    at += 10
    kind = NAMES.get(number, str(number))
    return Record(owner, kind, ttl, _format(octets, at, length, kind)), at + length


def _format(octets: bytes, at: int, length: int, kind: str) -> str:
    rdata = octets[at : at + length]
    if kind in ("A", "AAAA"):
        return socket.inet_ntop(socket.AF_INET if kind == "A" else socket.AF_INET6, rdata)
    if kind in ("NS", "CNAME", "PTR"):
        return _read_name(octets, at)[0]
    if kind == "MX":
        preference = struct.unpack_from("!H", rdata)[0]
        return f"{preference} {_read_name(octets, at + 2)[0] or '.'}"
    if kind == "SOA":
        primary, at = _read_name(octets, at)
        mailbox, at = _read_name(octets, at)
        return " ".join(map(str, (primary, mailbox, *struct.unpack_from("!5I", octets, at))))
    if kind == "TXT":
        texts = []
        while rdata:
            texts.append(rdata[1 : 1 + rdata[0]].decode("latin-1"))
            rdata = rdata[1 + rdata[0] :]
        return "".join(texts)
    return rdata.hex()
