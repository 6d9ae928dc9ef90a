"""Messages that tests make themselves, and the comparison of what left with what came."""

import hashlib
import os
import random
import re

TRACE_HEADER = re.compile(rb"Received: [^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*")


def sha256(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def message(subject: str = "hello", body: bytes = b"Hello.\r\n", extra: bytes = b"") -> bytes:
    """A small message; `extra` are further header lines with CRLF. Its Message-ID is unique."""
    unique = os.urandom(8).hex()
    return (
        b"From: Ann <ann@sender.example>\r\n"
        b"To: Bob <bob@example.com>\r\n"
        b"Subject: " + subject.encode() + b"\r\n"
        b"Message-ID: <" + unique.encode() + b"@sender.example>\r\n"
        b"Date: Sat, 21 Nov 2026 14:07:30 +0000\r\n" + extra + b"\r\n" + body
    )


def message_id_of(octets: bytes) -> str:
    found = re.search(rb"(?im)^Message-ID:\s*(<[^>]*>)", octets)
    assert found, "the message has no Message-ID"
    return found.group(1).decode()


def random_message(draw: random.Random, mail_id: str, size_octets: int) -> bytes:
    """8-bit lines of odd lengths, some with leading dots, about `size_octets` long."""
    head = (
        f"X-Lab-Id: {mail_id}\r\n"
        f"From: <load@sender.example>\r\nTo: <box@example.com>\r\n"
        f"Message-ID: <{mail_id}@lab.example>\r\nSubject: load {mail_id}\r\n\r\n"
    ).encode()
    lines = [head]
    length = len(head)
    while length < size_octets:
        octets = draw.randbytes(draw.choice((0, 1, 40, 76, 78, 500, 998, 2500)))
        line = b"." * draw.choice((0, 0, 0, 0, 1, 2)) + re.sub(rb"[\r\n]", b"~", octets) + b"\r\n"
        lines.append(line)
        length += len(line)
    return b"".join(lines)


def lab_id(octets: bytes) -> str:
    """The id that random_message() put in; empty where there is none."""
    found = re.search(rb"(?m)^X-Lab-Id: (\S+)\r$", octets[:4096])
    return found.group(1).decode() if found else ""


def without_trace(octets: bytes) -> bytes:
    """Without the Received: line in front. Only for messages whose own first line is a header."""
    found = TRACE_HEADER.match(octets)
    assert found, f"no trace header in front: {octets[:120]!r}"
    return octets[found.end() :]


def assert_relayed(delivered: bytes, original: bytes) -> str:
    """`delivered` is exactly one Received: line and then `original`, octet for octet."""
    if not delivered.endswith(original):
        difference = first_difference(without_trace(delivered), original)
        raise AssertionError(f"octets changed: {difference}")
    trace = delivered[: len(delivered) - len(original)]
    assert TRACE_HEADER.fullmatch(trace), f"not one Received: line in front: {trace!r}"
    return trace.decode()


def first_difference(left: bytes, right: bytes) -> str:
    shorter = min(len(left), len(right))
    at = next((i for i in range(shorter) if left[i] != right[i]), shorter)
    around = slice(max(0, at - 40), at + 40)
    return (
        f"lengths {len(left)} and {len(right)}, first difference at octet {at}:"
        f" {left[around]!r} instead of {right[around]!r}"
    )
