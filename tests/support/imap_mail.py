"""Mail for mailboxes: every odd shape once, any number of ordinary ones, and real mail.

    fill(mailbox, {"INBOX": 200, "Archive/2023": 50}, seed=1)
    mailbox.append_many("Odd", [(mail.octets, mail.flags, mail.date) for mail in samples()])
"""

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from imap_client import Mailbox
from mail_corpus import load
from siding_lab import Lab

DATE = 1_706_778_000  # 1 February 2024, 09:00 UTC
SYSTEM_FLAGS = ("\\Seen", "\\Answered", "\\Flagged", "\\Draft")
KEYWORDS = ("$Forwarded", "$MDNSent", "$label1", "Work", "NonJunk")
FOLDERS = (
    "INBOX", "Sent", "Drafts", "Archive/2023", "Archive/2024", "Entwürfe & Ähnliches", "日本語",
    "With blank", "A/deep/path/of/folders", "Empty",
)  # fmt: skip


@dataclass(frozen=True)
class Mail:
    name: str
    octets: bytes = field(repr=False)
    flags: tuple[str, ...] = ()
    date: int = DATE


def head(subject: str, message_id: str | None = "", date: str = "", extra: bytes = b"") -> bytes:
    """Header lines without the empty one; no Message-ID when that is None."""
    lines = ["From: Ann <ann@sender.example>", "To: Bob <bob@example.com>", f"Subject: {subject}"]
    if message_id is not None:
        local = message_id or re.sub("[^a-z0-9]+", "-", subject)
        lines.append(f"Message-ID: <{local}@lab.example>")
    lines.append(f"Date: {date or 'Thu, 1 Feb 2024 10:00:00 +0100'}")
    return "\r\n".join(lines).encode() + b"\r\n" + extra


def plain_samples() -> list[Mail]:
    """Odd in what they say, but every server keeps them octet for octet."""
    twin = head("twin") + b"\r\nBoth are the same.\r\n"
    lines = b"".join(b"%d\r\n" % n for n in range(20_000))
    hop = b"Received: from a by b; now\r\n"
    return [
        Mail("small", head("small") + b"\r\nHello.\r\n"),
        Mail("header only", head("header only") + b"\r\n"),
        Mail("no Message-ID", head("no id", None) + b"\r\nWho am I?\r\n"),
        Mail("no Message-ID, other", head("no id", None) + b"\r\nSomebody else.\r\n"),
        Mail("twin 1", twin),
        Mail("twin 2", twin),
        Mail("same id, other body 1", head("draft", "draft") + b"\r\nFirst.\r\n"),
        Mail("same id, other body 2", head("draft", "draft") + b"\r\nSecond.\r\n"),
        Mail("dots", head("dots") + b"\r\n.\r\n..\r\n.dot\r\n"),
        Mail("From in body", head("from") + b"\r\n\r\nFrom here on\r\n>From there\r\n"),
        Mail("blank lines at the end", head("blank") + b"\r\nx\r\n\r\n\r\n"),
        Mail("blanks at line ends", head("space") + b"\r\nx \t\r\n \r\n"),
        Mail("like IMAP", head("imap") + b"\r\n{10}\r\n)\r\n* BYE\r\nA1 OK\r\n\"\\\r\n"),
        Mail("commands in body", head("commands") + b"\r\nX1 DELETE Sent\r\nX2 NOOP\r\n"),
        Mail("no Date", b"From: a@b.example\r\nSubject: no date\r\nMessage-ID: <n@d>\r\n\r\nx\r\n"),
        Mail("date of 1899", head("d1", "", "Sat, 30 Dec 1899 00:00:00 +0000") + b"\r\nx\r\n"),
        Mail("date of 0000", head("d2", "", "00 Jan 0000 00:00:00") + b"\r\nx\r\n"),
        Mail("date of 2050", head("d3", "", "Mon, 3 Jan 2050 00:00:00 +0000") + b"\r\nx\r\n"),
        Mail("date without sense", head("d4", "", "yesterday") + b"\r\nx\r\n"),
        Mail("old", head("old") + b"\r\nx\r\n", date=86_400 * 365),
        Mail("seen", head("seen") + b"\r\nx\r\n", ("\\Seen",)),
        Mail("all flags", head("flags") + b"\r\nx\r\n", SYSTEM_FLAGS),
        Mail("keywords", head("keywords") + b"\r\nx\r\n", ("\\Seen", *KEYWORDS)),
        Mail("deleted", head("deleted") + b"\r\nx\r\n", ("\\Deleted",)),
        Mail("folded", head("folded", extra=b"X-Long: a\r\n\tb\r\n  c\r\n") + b"\r\nx\r\n"),
        Mail("many Received", head("hops", extra=hop * 300) + b"\r\n"),
        Mail("100 KB", head("size") + b"\r\n" + lines),
        Mail("line of 900", head("line") + b"\r\n" + b"x" * 900 + b"\r\n"),
    ]


def odd_samples() -> list[Mail]:
    """What some servers refuse, or give back changed."""
    long_header = b"X-Long: " + b"y" * 100_000 + b"\r\n"
    return [
        Mail("zero length", b""),
        Mail("one octet", b"x"),
        Mail("no header", b"\r\nonly a body\r\n"),
        Mail("no body, no blank line", head("no blank line")),
        Mail("no final CRLF", head("no end") + b"\r\nlast line"),
        Mail("bare LF", head("lf").replace(b"\r\n", b"\n") + b"\nall\nlines\n"),
        Mail("mixed line ends", head("mixed") + b"\r\na\nb\r\nc\n"),
        Mail("bare CR", head("cr") + b"\r\na\rb\r\n"),
        Mail("NUL", head("nul") + b"\r\na\0b\r\n"),
        Mail("8-bit body", head("8-bit") + b"\r\n" + bytes(range(128, 256)) + b"\r\n"),
        Mail("8-bit header", head("gr\u00fc\u00dfe") + b"\r\nx\r\n"),
        Mail("Latin-1 header", head("l1", extra=b"X-L: gr\xfc\xdfe\r\n") + b"\r\nx\r\n"),
        Mail("control characters", head("control") + b"\r\n" + bytes(range(1, 9)) + b"\x7f\r\n"),
        Mail("line of 100 KB", head("long line") + b"\r\n" + b"x" * 100_000 + b"\r\n"),
        Mail("header line of 100 KB", head("long header", extra=long_header) + b"\r\nx\r\n"),
        Mail("after 2038", head("late") + b"\r\nx\r\n", date=2_200_000_000),
        Mail("mbox line in front", b"From ann Thu Feb  1 10:00:00 2024\r\n" + head("m") + b"\r\n"),
        Mail("header without a colon", head("colon", extra=b"no colon here\r\n") + b"\r\nx\r\n"),
    ]


def samples() -> list[Mail]:
    return plain_samples() + odd_samples()


def ordinary(
    count: int, seed: int = 0, octets: int = 2000, keywords: tuple[str, ...] = KEYWORDS
) -> Iterator[Mail]:
    """Different from each other, sizes spread around `octets`, with flags and dates."""
    draw = random.Random(seed)
    for number in range(count):
        size = int(min(draw.lognormvariate(0, 1), 50) * octets)
        body = b"\r\n".join(
            draw.randbytes(36).hex().encode() for _ in range(max(1, size // 74))
        )
        flags = tuple(f for f in SYSTEM_FLAGS if draw.random() < 0.3)
        flags += tuple(k for k in keywords if draw.random() < 0.05)
        name = f"ordinary {seed}-{number}"
        yield Mail(name, head(name) + b"\r\n" + body + b"\r\n", flags, DATE + 60 * number)


def fill(
    mailbox: Mailbox, folders: dict[str, int] | Iterable[str], count: int = 20, seed: int = 0,
    octets: int = 2000, keywords: tuple[str, ...] = KEYWORDS,
) -> dict[str, list[Mail]]:  # fmt: skip
    """Makes the folders and puts ordinary mail in; each has `count` when no numbers are given."""
    numbers = folders if isinstance(folders, dict) else dict.fromkeys(folders, count)
    filled: dict[str, list[Mail]] = {}
    for index, (name, number) in enumerate(numbers.items()):
        if name not in mailbox.folders() and name != "INBOX":
            mailbox.create(name)
        filled[name] = list(ordinary(number, seed * 1000 + index, octets, keywords))
        put(mailbox, name, filled[name])
    return filled


def put(mailbox: Mailbox, name: str, mails: Iterable[Mail]) -> None:
    mailbox.append_many(name, ((mail.octets, mail.flags, mail.date) for mail in mails))


def real_mail(lab: Lab) -> list[Mail]:
    """Of mail_corpus.py, without NUL: no APPEND carries one."""
    return [
        Mail(f"real {number}", octets.replace(b"\0", b""), date=DATE + 60 * number)
        for number, octets in enumerate(load(lab))
    ]
