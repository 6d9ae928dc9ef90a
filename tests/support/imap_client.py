"""What a mailbox holds, as Python's imaplib sees it: the view by which copies are judged.

    with Mailbox(server, "ann", "secret") as mailbox:
        mailbox.append("Archive/2024", octets, flags=[r"\\Seen"], date=1706778000)
    assert_same(snapshot(source, "ann", "pw"), snapshot(destination, "ann", "pw"))  # imap_compare

Folder names are paths in Unicode with "/" between their parts and without the server's personal
prefix, whatever its separator is; a "/" inside of a part reads "%2F". Reading changes nothing:
EXAMINE and BODY.PEEK. Dates are seconds since 1970.
"""

import calendar
import contextlib
import hashlib
import imaplib
import re
import socket
import ssl
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from imap_names import decode_name, encode_name

imaplib._MAXLINE = 1 << 26  # a SEARCH of a large folder is one line
FETCHED = "UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[]"
APPEND_BATCH_OCTETS = 4 << 20

Snapshot = dict[str, "Counter[tuple[str, int, frozenset[str]]]"]


class ImapError(Exception):
    """NO or BAD, with the server's words."""


@dataclass(frozen=True)
class Folder:
    name: str
    raw: bytes  # as the server writes it
    separator: str
    attributes: frozenset[str]  # lower case

    @property
    def selectable(self) -> bool:
        return not self.attributes & {"\\noselect", "\\nonexistent"}


@dataclass(frozen=True)
class Message:
    uid: int
    sha: str  # of BODY[]
    flags: frozenset[str]  # without \Recent
    date: int
    size: int  # RFC822.SIZE
    octets: bytes | None = None  # when asked for


class Mailbox:
    """`at` is a server of imap_lab or "host:port"; `ca_file` means TLS from the first octet on."""

    def __init__(
        self, at: Any, user: str, password: str, ca_file: Any = None, authzid: str = "",
        timeout: float = 120.0,
    ):  # fmt: skip
        address = at if isinstance(at, str) else at.tls_address if ca_file else at.address
        host, _, port = address.rpartition(":")
        if ca_file:
            context = ssl.create_default_context(cafile=str(ca_file))
            self.imap = imaplib.IMAP4_SSL(host, int(port), ssl_context=context, timeout=timeout)
        else:
            self.imap = imaplib.IMAP4(host, int(port), timeout)
        self.imap.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.imap.is_readonly = True  # or it refuses to go on after EXAMINE
        if authzid:
            login = f"{authzid}\0{user}\0{password}".encode()
            self._ok(*self.imap.authenticate("PLAIN", lambda _: login))
        else:
            self.command("LOGIN", _quoted(user.encode()), _quoted(password.encode()))
            self.imap.state = "AUTH"
        words = self.command("CAPABILITY", untagged="CAPABILITY")[-1]
        self.capabilities = frozenset(words.decode().upper().split())
        self.examined = False
        self.separator, self.prefix = self._namespace()

    def __enter__(self) -> "Mailbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            self.imap.logout()

    # --- commands -------------------------------------------------------------------------------
    def command(self, name: str, *arguments: Any, untagged: str = "") -> list[Any]:
        """Any command; the untagged responses of this name, or the words after OK."""
        self.imap.untagged_responses.clear()
        imaplib.Commands.setdefault(name, ("NONAUTH", "AUTH", "SELECTED"))
        try:
            words = self._ok(*self.imap._simple_command(name, *arguments))
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:  # BAD
            raise ImapError(str(error)) from None
        return self.imap.untagged_responses.pop(untagged, []) if untagged else words

    def _ok(self, kind: str, words: list[Any]) -> list[Any]:
        if kind != "OK":
            raise ImapError(b" ".join(w for w in words if w).decode(errors="replace"))
        return words

    def _namespace(self) -> tuple[str, str]:
        if "NAMESPACE" in self.capabilities:
            answer = self.command("NAMESPACE", untagged="NAMESPACE")[0]
            found = re.match(rb'\(\("([^"]*)" "([^"]*)"', answer)
            if found:
                return found.group(2).decode(), found.group(1).decode()
        rows = self.command("LIST", '""', '""', untagged="LIST")
        found = re.match(rb'\([^)]*\) "([^"]*)"', rows[0]) if rows else None
        return (found.group(1).decode() if found else "/"), ""

    # --- folders --------------------------------------------------------------------------------
    def raw(self, name: str) -> bytes:
        """What the server calls this folder."""
        if name.upper() == "INBOX":
            return b"INBOX"
        parts = (part.replace("%2F", "/") for part in name.split("/"))
        path = self.separator.join(parts)
        return encode_name(path if path.startswith(self.prefix) else self.prefix + path)

    def name(self, raw: bytes) -> str:
        path = decode_name(raw)
        if path.upper() == "INBOX":
            return "INBOX"
        path = path.removeprefix(self.prefix) if self.prefix else path
        parts = path.split(self.separator) if self.separator else [path]
        return "/".join(part.replace("/", "%2F") for part in parts)

    def folders(self, command: str = "LIST", options: str = "") -> dict[str, Folder]:
        rows = self.command(command, '""', '"*"', *([options] if options else []), untagged=command)
        return {folder.name: folder for folder in self._folders(rows)}

    def subscriptions(self) -> set[str]:
        return set(self.folders("LSUB"))

    def _folders(self, rows: list[Any]) -> Iterator[Folder]:
        for row in rows:
            if not row:
                continue
            head, raw = row if isinstance(row, tuple) else (row, None)
            found = re.match(rb'\(([^)]*)\) (?:"\\?(.)"|NIL) ?(.*)', head, re.S)
            assert found, row
            attributes = frozenset(found.group(1).decode().lower().split())
            raw = _unquoted(found.group(3)) if raw is None else raw
            yield Folder(self.name(raw), raw, (found.group(2) or b"").decode(), attributes)

    def create(self, *names: str) -> None:
        for name in names:
            self.command("CREATE", _quoted(self.raw(name)))

    def delete(self, name: str) -> None:
        self.command("DELETE", _quoted(self.raw(name)))

    def rename(self, name: str, to: str) -> None:
        self.command("RENAME", _quoted(self.raw(name)), _quoted(self.raw(to)))

    def subscribe(self, *names: str) -> None:
        for name in names:
            self.command("SUBSCRIBE", _quoted(self.raw(name)))

    def status(self, name: str, items: str = "MESSAGES UIDNEXT UIDVALIDITY") -> dict[str, int]:
        """HIGHESTMODSEQ too when it is named; by upper-case names."""
        answer = self.command("STATUS", _quoted(self.raw(name)), f"({items})", untagged="STATUS")
        line = b"".join(b"".join(a) if isinstance(a, tuple) else a for a in answer)
        inside = line[line.rindex(b"(") + 1 : line.rindex(b")")].decode().split()
        return {key.upper(): int(value) for key, value in zip(inside[::2], inside[1::2])}

    # --- messages -------------------------------------------------------------------------------
    def select(self, name: str, write: bool = False) -> int:
        """How many there are."""
        exists = self.command(
            "SELECT" if write else "EXAMINE", _quoted(self.raw(name)), untagged="EXISTS"
        )
        self.imap.state, self.examined = "SELECTED", not write
        return int(exists[-1]) if exists else 0

    def uids(self, name: str) -> list[int]:
        if not self.select(name):
            return []
        found = self.command("UID", "SEARCH", "ALL", untagged="SEARCH")
        return [int(uid) for uid in found[0].split()]

    def messages(self, name: str, octets: bool = False) -> list[Message]:
        if not self.select(name):
            return []
        sets = ["1:*"]
        limits = [word for word in self.capabilities if word.startswith("MESSAGELIMIT=")]
        if limits:
            limit, uids = int(limits[0].partition("=")[2]), self.uids(name)
            sets = [_set(uids[at : at + limit]) for at in range(0, len(uids), limit)]
        found: dict[int, Message] = {}
        for wanted in sets:
            rows = self.command("UID", "FETCH", wanted, f"({FETCHED})", untagged="FETCH")
            for text, body in _fetched(rows):
                message = _message(text, body, octets)
                if message:
                    found[message.uid] = message
        return [found[uid] for uid in sorted(found)]

    def octets(self, name: str, uid: int) -> bytes:
        self.select(name)
        rows = self.command("UID", "FETCH", str(uid), "(BODY.PEEK[])", untagged="FETCH")
        bodies = [body for _, body in _fetched(rows) if body is not None]
        assert len(bodies) == 1, f"{name} has no UID {uid}"
        return bodies[0]

    def append(
        self, name: str, octets: bytes, flags: Iterable[str] = (), date: float | None = None
    ) -> int | None:
        """Exactly these octets. The UID if the server says it."""
        self._leave()
        self.imap.literal = octets
        when = f" {_date_text(date)}" if date is not None else ""
        words = self.command("APPEND", _quoted(self.raw(name)), f"({' '.join(flags)}){when}")
        found = re.search(rb"\[APPENDUID \d+ (\d+)\]", b" ".join(w for w in words if w))
        return int(found.group(1)) if found else None

    def append_many(
        self, name: str, messages: Iterable[tuple[bytes, Iterable[str], float]]
    ) -> None:
        """(octets, flags, date) of each; in few round trips where the server allows it."""
        self._leave()
        if not {"MULTIAPPEND", "LITERAL+"} <= self.capabilities:
            for octets, flags, date in messages:
                self.append(name, octets, flags, date)
            return
        batch: list[bytes] = []
        size = 0
        for octets, flags, date in messages:
            head = f" ({' '.join(flags)}) {_date_text(date)} {{{len(octets)}+}}\r\n"
            batch += [head.encode(), octets]
            size += len(octets)
            if size > APPEND_BATCH_OCTETS or len(batch) > 1000:
                self._append_batch(name, batch)
                batch, size = [], 0
        if batch:
            self._append_batch(name, batch)

    def _leave(self) -> None:
        """Courier does not append to a folder that this connection has under EXAMINE."""
        if self.imap.state == "SELECTED":
            self.command("CLOSE" if self.examined else "NOOP")
            self.imap.state = "AUTH" if self.examined else "SELECTED"

    def _append_batch(self, name: str, batch: list[bytes]) -> None:
        tag = self.imap._new_tag()
        line = tag + b" APPEND " + _quoted(self.raw(name)).encode("latin-1")
        self.imap.tagged_commands[tag] = None
        self.imap.send(line + b"".join(batch) + b"\r\n")
        self._ok(*self.imap._command_complete("APPEND", tag))

    def store(self, name: str, uids: Iterable[int], action: str, *flags: str) -> None:
        """`action` is FLAGS, +FLAGS or -FLAGS."""
        self.select(name, write=True)
        self.command("UID", "STORE", _set(uids), action, f"({' '.join(flags)})")

    def expunge(self, name: str, uids: Iterable[int]) -> None:
        uids = list(uids)
        self.store(name, uids, "+FLAGS.SILENT", "\\Deleted")
        if "UIDPLUS" in self.capabilities:
            self.command("UID", "EXPUNGE", _set(uids))
        else:
            self.command("EXPUNGE")

    def copy(self, name: str, uids: Iterable[int], to: str) -> None:
        self.select(name, write=True)
        self.command("UID", "COPY", _set(uids), _quoted(self.raw(to)))

    def move(self, name: str, uids: Iterable[int], to: str) -> None:
        uids = list(uids)
        if "MOVE" in self.capabilities:
            self.select(name, write=True)
            self.command("UID", "MOVE", _set(uids), _quoted(self.raw(to)))
        else:
            self.copy(name, uids, to)
            self.expunge(name, uids)

    # --- the whole ------------------------------------------------------------------------------
    def snapshot(self, folders: Iterable[str] | None = None) -> Snapshot:
        """What each folder holds, as a multiset of (SHA-256, date, flags)."""
        names = [f.name for f in self.folders().values() if f.selectable]
        wanted = set(names if folders is None else folders)
        return {
            name: Counter((m.sha, m.date, m.flags) for m in self.messages(name))
            for name in sorted(wanted)
        }

    def evidence(self) -> dict[str, tuple[Any, ...]]:
        """Of each folder all that a reader must not change: counters, and UIDs with their flags."""
        items = "MESSAGES UIDNEXT UIDVALIDITY UNSEEN"
        items += " HIGHESTMODSEQ" if "CONDSTORE" in self.capabilities else ""
        return {
            name: (
                tuple(sorted(self.status(name, items).items())),
                tuple((m.uid, m.sha, tuple(sorted(m.flags))) for m in self.messages(name)),
            )
            for name, folder in sorted(self.folders().items())
            if folder.selectable
        }


# --- syntax -------------------------------------------------------------------------------------
def _quoted(raw: bytes) -> str:
    """imaplib puts it on the wire as ASCII or, with our setting, as it is."""
    return '"' + raw.decode("ascii").replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unquoted(raw: bytes) -> bytes:
    raw = raw.strip()
    if raw.startswith(b'"') and raw.endswith(b'"'):
        return re.sub(rb"\\(.)", rb"\1", raw[1:-1])
    return raw


def _set(uids: Iterable[int]) -> str:
    return ",".join(map(str, uids))


def _date_text(date: float) -> str:
    return time.strftime('"%d-%b-%Y %H:%M:%S +0000"', time.gmtime(date))


def _date(text: str) -> int:
    found = re.match(r"\s*(\d+)-(\w{3})-(\d{4}) (\d+):(\d+):(\d+) ([+-])(\d\d)(\d\d)", text)
    if not found:
        return 0
    day, month, year, hour, minute, second, sign, hours, minutes = found.groups()
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    fields = (int(year), months.index(month) + 1, int(day), int(hour), int(minute), int(second))
    offset = (int(hours) * 60 + int(minutes)) * 60
    return calendar.timegm(fields) - (offset if sign == "+" else -offset)


def _fetched(rows: list[Any]) -> Iterator[tuple[str, bytes | None]]:
    """Each response as its text without the body, and the body."""
    text, body = b"", None
    for row in rows:
        if isinstance(row, tuple):
            text, body = text + row[0], row[1]
            continue
        if row is None:
            continue
        text += row
        short = re.search(rb'BODY\[\] "((?:\\.|[^"\\])*)"', text)
        if body is None and short:
            body = re.sub(rb"\\(.)", rb"\1", short.group(1))
        yield text.decode("latin-1"), body
        text, body = b"", None


def _message(text: str, body: bytes | None, octets: bool) -> Message | None:
    uid = re.search(r"\bUID (\d+)", text)
    if not uid or body is None:
        return None  # a change of flags that came in between
    flags = re.search(r"\bFLAGS \(([^)]*)\)", text)
    date = re.search(r'\bINTERNALDATE "([^"]*)"', text)
    size = re.search(r"\bRFC822\.SIZE (\d+)", text)
    return Message(
        uid=int(uid.group(1)),
        sha=hashlib.sha256(body).hexdigest(),
        flags=frozenset(flags.group(1).split() if flags else []) - {"\\Recent"},
        date=_date(date.group(1)) if date else 0,
        size=int(size.group(1)) if size else -1,
        octets=body if octets else None,
    )
