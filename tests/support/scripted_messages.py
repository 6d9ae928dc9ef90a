"""What the scripted IMAP server does in a folder: FETCH, STORE, SEARCH, COPY, EXPUNGE, and news."""

import bisect
import calendar
import re
import time
from collections.abc import Iterable, Iterator
from typing import Any

from imap_names import decode_name, encode_name
from scripted_connection import Answer, Closed, Connection
from scripted_store import Stored, StoredFolder
from scripted_syntax import (
    date_text,
    numbers,
    quoted,
    section_of,
    set_text,
    text_of,
)

SECTION = re.compile(r"(?:BODY(?:\.PEEK)?|BINARY(?:\.PEEK)?)\[([^\]]*)\](?:<(\d+)\.(\d+)>)?", re.I)


class Messages(Connection):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.folder: StoredFolder | None = None
        self.read_only = False
        self.view: list[int] = []  # UIDs by sequence number
        self.hidden: set[int] = set()  # appended here, not shown before the next SELECT
        self.told = 0  # the MODSEQ up to which flags are known to the client
        self.enabled: set[str] = set()
        self.is_condstore = False

    # --- names, which are UTF-8 after ENABLE UTF8=ACCEPT (RFC 6855 §3) ---------------------------
    def mailbox(self, token: Any) -> str:
        name = text_of(token)
        return encode_name(name).decode() if "UTF8=ACCEPT" in self.enabled else name

    def shown(self, folder: StoredFolder) -> str:
        name = folder.name
        return decode_name(name.encode()) if "UTF8=ACCEPT" in self.enabled else name

    def quoted_name(self, folder: StoredFolder) -> bytes:
        name = self.shown(folder)
        if "UTF8=ACCEPT" in self.enabled:
            return b'"' + re.sub(r'(["\\])', r"\\\1", name).encode() + b'"'
        return quoted(name)

    def found(self, name: str) -> StoredFolder:
        assert self.account
        folder = self.account.folders.get(self.account.key(name))
        if folder is None or not folder.selectable:
            raise Answer("NO", "[NONEXISTENT] Unknown Mailbox: " + name)
        return folder

    def target(self, name: str) -> StoredFolder:
        assert self.account
        folder = self.account.folders.get(self.account.key(name))
        if folder is None or not folder.selectable:
            raise Answer("NO", "[TRYCREATE] No such mailbox")
        return folder

    # --- what the client knows of the folder ----------------------------------------------------
    def sync(self, expunges: bool = True) -> None:
        """Untagged news; without `expunges` none that moves sequence numbers."""
        folder = self.folder
        if folder is None or (folder.modseq == self.told and not self.hidden):
            return
        current = [m.uid for m in folder.messages if m.uid not in self.hidden]
        gone = set(self.view) - set(current)
        if gone and expunges:
            if "QRESYNC" in self.enabled:
                self.say(f"* VANISHED {set_text(sorted(gone))}")
                self.view = [uid for uid in self.view if uid not in gone]
            else:
                for at in range(len(self.view) - 1, -1, -1):
                    if self.view[at] in gone:
                        self.say(f"* {at + 1} EXPUNGE")
                        del self.view[at]
        known = set(self.view)
        fresh = [uid for uid in current if uid not in known]
        if fresh:
            self.view += fresh
            self.say(f"* {len(self.view)} EXISTS")
            self.say("* 0 RECENT")
        for at, uid in enumerate(self.view, 1):
            message = self._message(uid)
            if message and message.modseq > self.told and uid in known:
                self.say(f"* {at} FETCH ({self._flags(message)})")
        if expunges or not gone:
            self.told = folder.modseq

    def _flags(self, message: Stored, silent: bool = False) -> str:
        items = [f"UID {message.uid}"]
        if not silent:
            items.append(f"FLAGS ({' '.join(sorted(message.flags))})")
        if self.is_condstore:
            items.append(f"MODSEQ ({message.modseq})")
        return " ".join(items)

    def _message(self, uid: int) -> Stored | None:
        assert self.folder
        messages = self.folder.messages
        at = bisect.bisect_left(messages, uid, key=lambda message: message.uid)
        return messages[at] if at < len(messages) and messages[at].uid == uid else None

    def _chosen(self, text: str, by_uid: bool) -> Iterator[tuple[int, int]]:
        """(sequence number, UID) of what a set names, in the order of the folder."""
        if not by_uid:
            for at in sorted({at for r in numbers(text, len(self.view)) for at in r}):
                if not 0 < at <= len(self.view):
                    raise Answer("BAD", "Invalid message sequence number")
                yield at, self.view[at - 1]
            return
        wanted: set[int] = set()
        for chosen in numbers(text, self.view[-1] if self.view else 0):
            first = bisect.bisect_left(self.view, chosen.start)
            wanted.update(range(first, bisect.bisect_left(self.view, chosen.stop)))
        for at in sorted(wanted):
            yield at + 1, self.view[at]

    def selected(self, write: bool = False) -> StoredFolder:
        if self.folder is None:
            raise Answer("BAD", "No mailbox selected")
        if write and self.read_only:
            raise Answer("NO", "[READ-ONLY] Mailbox is read-only")
        return self.folder

    # --- FETCH ----------------------------------------------------------------------------------
    def fetch(self, arguments: list[Any], by_uid: bool) -> str:
        folder = self.selected()
        items = _items(arguments[1])
        modifiers = [text_of(t).upper() for t in (arguments[2] if len(arguments) > 2 else [])]
        since = 0
        if "CHANGEDSINCE" in modifiers:
            since = int(modifiers[modifiers.index("CHANGEDSINCE") + 1])
            self.is_condstore = True
            items = [*items, "MODSEQ"]
        if by_uid and "UID" not in items:
            items = ["UID", *items]
        chosen = list(self._chosen(text_of(arguments[0]), by_uid))
        if "VANISHED" in modifiers:
            wanted = numbers(text_of(arguments[0]), 1 << 62)
            gone = {u for m, u in folder.vanished if m > since and any(u in r for r in wanted)}
            if self.has("vanished_clipped"):
                gone.discard(max(gone, default=0))
            if self.has("vanished_wrong"):
                gone = {uid + 6 for uid in gone}
            if gone:
                self.say(f"* VANISHED (EARLIER) {set_text(sorted(gone))}")
        limit = self.server.personality.message_limit
        words = "FETCH completed"
        if limit and len(chosen) > limit:  # RFC 9738: from the highest down
            chosen = chosen[-limit:][::-1]
            words = f"[MESSAGELIMIT {limit} {chosen[-1][1]}] FETCH completed with partial results"
        for at, uid in chosen:
            message = self._message(uid)
            if message is not None and message.modseq > since:
                self._fetch_one(at, message, items)
        return words

    def _fetch_one(self, at: int, message: Stored, items: list[str]) -> None:
        assert self.folder
        octets, drop_after = message.octets, 0
        fault = self.server.due(
            "FETCH.message", user=self.user, folder=self.folder.name, uid=message.uid
        )
        action = fault.action if fault else ""
        if fault and action in ("drop", "reset", "bye") and fault.after_octets:
            drop_after = fault.after_octets
        elif fault:
            self.act(fault)
        if action == "expunge":
            self.folder.remove({message.uid})
            return
        if action == "empty":
            octets = b""
        if action == "other":
            octets = next((m.octets for m in self.folder.messages if m is not message), octets)
        for part in self._parts_of(items):
            pieces = []
            for item in part:
                pieces.append(self._item(message, item, None if action == "nil" else octets))
            line = b"* %d FETCH (%s)\r\n" % (at, b" ".join(pieces))
            if drop_after and len(line) > drop_after:
                # After so many octets of the literal, which is the last item.
                start = line.index(b"}\r\n") + 3 if b"}\r\n" in line else 0
                self.send(line[: start + drop_after])
                if action == "bye":
                    self.say(f"* BYE {fault.text if fault else ''}")
                self.close(reset=action == "reset")
                raise Closed
            self.send(line * (2 if action == "duplicate" else 1), hold=True)
        if not self.read_only and any(_sets_seen(item) for item in items):
            self.folder.store(message, message.flags | {"\\Seen"})

    def _parts_of(self, items: list[str]) -> list[list[str]]:
        if self.has("split_fetch") and len(items) > 1:
            return [items[:1] + items[1:2], items[:1] + items[2:]] if items[2:] else [items]
        return [items]

    def _item(self, message: Stored, item: str, octets: bytes | None) -> bytes:
        match item:
            case "UID":
                return b"UID %d" % message.uid
            case "FLAGS":
                star = ["*"] if self.has("flags_with_star") else []
                return f"FLAGS ({' '.join([*sorted(message.flags), *star])})".encode()
            case "INTERNALDATE":
                date = "30-Dec-1899 00:00:00 +0000" if self.has("date_of_1899") else ""
                return f'INTERNALDATE "{date or date_text(message.date)}"'.encode()
            case "RFC822.SIZE":
                return b"RFC822.SIZE %d" % len(message.octets)
            case "MODSEQ":
                return b"MODSEQ (%d)" % message.modseq
            case "EMAILID":
                return f"EMAILID ({message.email_id})".encode()
            case "X-GM-MSGID":
                return b"X-GM-MSGID %d" % (hash(message.octets) & (1 << 62) - 1)
            case "X-GM-LABELS":
                return b"X-GM-LABELS (%s)" % b" ".join(quoted(x) for x in message.labels)
            case "SAVEDATE":
                return f'SAVEDATE "{date_text(message.date)}"'.encode()
        found = SECTION.fullmatch(item)
        if not found:
            raise Answer("BAD", f"Unknown FETCH item {item}")
        name = re.sub(r"(?i)\.PEEK", "", item.split("<")[0]).encode()
        if octets is None:
            return name + b" NIL"
        part = section_of(octets, found.group(1))
        if found.group(2):
            start = int(found.group(2))
            part, name = part[start : start + int(found.group(3))], name + b"<%d>" % start
        if self.has("nul_as_0x80"):
            part = part.replace(b"\0", b"\x80")
        return b"%s {%d}\r\n%s" % (name, len(part), part)

    # --- STORE, SEARCH, COPY, EXPUNGE -----------------------------------------------------------
    def store(self, arguments: list[Any], by_uid: bool) -> str:
        folder = self.selected(write=True)
        unchanged = None
        if isinstance(arguments[1], list):
            unchanged, arguments = int(arguments[1][1]), [arguments[0], *arguments[2:]]
            self.is_condstore = True
        action = text_of(arguments[1]).upper()
        rest = arguments[2] if isinstance(arguments[2], list) else arguments[2:]
        flags = self.kept_flags(folder, [text_of(flag) for flag in rest])
        modified = []
        for at, uid in list(self._chosen(text_of(arguments[0]), by_uid)):
            message = self._message(uid)
            if message is None:
                continue
            if unchanged is not None and message.modseq > unchanged:
                modified.append(uid if by_uid else at)
                continue
            new = {"+": message.flags | flags, "-": message.flags - flags}.get(action[0], flags)
            folder.store(message, frozenset(new))
            if not action.endswith(".SILENT") or self.is_condstore:
                self.say(f"* {at} FETCH ({self._flags(message, action.endswith('.SILENT'))})")
        self.told = folder.modseq
        return f"[MODIFIED {set_text(modified)}] STORE completed" if modified else "STORE completed"

    def kept_flags(self, folder: StoredFolder, flags: Iterable[str]) -> frozenset[str]:
        permanent = folder.permanent_flags or self.server.personality.permanent_flags
        return frozenset(
            flag
            for flag in flags
            if flag.lower() != "\\recent"
            and (flag in permanent or ("\\*" in permanent and not flag.startswith("\\")))
        )

    def search(self, arguments: list[Any], by_uid: bool) -> str:
        folder = self.selected()
        returning = None
        if arguments and arguments[0] == "RETURN":
            returning = [text_of(word).upper() for word in arguments[1]] or ["ALL"]
            arguments = arguments[2:]
        rows = [(at, m) for at, uid in enumerate(self.view, 1) if (m := self._message(uid))]
        words = list(arguments)
        while words:
            word = text_of(words.pop(0)).upper()
            if word == "CHARSET":
                words.pop(0)
            elif word in ("UID", "HEADER", "MODSEQ", "SINCE"):
                rows = self._search_by(word, words, rows)
            elif word in ("DELETED", "SEEN", "FLAGGED", "ANSWERED", "DRAFT"):
                rows = [(at, m) for at, m in rows if f"\\{word.title()}" in m.flags]
            elif word in ("UNDELETED", "UNSEEN", "UNFLAGGED"):
                rows = [(at, m) for at, m in rows if f"\\{word[2:].title()}" not in m.flags]
            elif re.match(r"[\d*]", word):
                wanted = {at for at, _ in self._chosen(word, by_uid=False)}
                rows = [(at, m) for at, m in rows if at in wanted]
            elif word != "ALL":
                raise Answer("NO", f"[CANNOT] No search by {word}")
        found = [m.uid if by_uid else at for at, m in rows]
        if self.has("search_finds_nothing"):
            found, rows = [], []
        highest = max((m.modseq for _, m in rows), default=0)
        if returning is None:
            tail = f" (MODSEQ {highest})" if self.is_condstore and highest else ""
            self.say("* SEARCH" + "".join(f" {n}" for n in found) + tail)
        else:
            facts = {"COUNT": len(found), "ALL": set_text(found)}
            facts |= {"MIN": min(found, default=0), "MAX": max(found, default=0)}
            shown = [f"{x} {facts[x]}" for x in returning if x in facts and (found or x == "COUNT")]
            self.say(f'* ESEARCH (TAG "{self.tag}"){" UID" * by_uid} {" ".join(shown)}'.rstrip())
        return f"SEARCH completed in {folder.name}"

    def _search_by(self, word: str, words: list[Any], rows: list[Any]) -> list[Any]:
        value = text_of(words.pop(0))
        if word == "UID":
            wanted = {uid for _, uid in self._chosen(value, by_uid=True)}
            return [(at, m) for at, m in rows if m.uid in wanted]
        if word == "MODSEQ":
            self.is_condstore = True
            return [(at, m) for at, m in rows if m.modseq >= int(value)]
        if word == "SINCE":
            day = calendar.timegm(time.strptime(value, "%d-%b-%Y"))
            return [(at, m) for at, m in rows if m.date >= day]
        needle = text_of(words.pop(0)).encode().lower()
        section = f"HEADER.FIELDS ({value})"
        return [(at, m) for at, m in rows if needle in section_of(m.octets, section).lower()]

    def copy(self, arguments: list[Any], by_uid: bool, move: bool = False) -> str:
        folder = self.selected(write=move)
        target = self.target(self.mailbox(arguments[1]))
        chosen = list(self._chosen(text_of(arguments[0]), by_uid))
        pairs = []
        for _, uid in chosen:
            message = self._message(uid)
            if message:
                flags = tuple(message.flags)
                copied = target.add(message.octets, flags, message.date, message.email_id)
                pairs.append((uid, copied.uid))
        new = [pair[1] for pair in pairs]
        if self.has("copyuid_permuted"):
            new.reverse()
        old = set_text(uid for uid, _ in pairs)
        code = f"[COPYUID {target.uid_validity} {old} {set_text(new)}] " if pairs else ""
        if not move:
            return code + "COPY completed"
        if code:
            self.say(f"* OK {code}moved")
        folder.remove({uid for uid, _ in pairs})
        return "MOVE completed"

    def expunge(self, only: str | None) -> str:
        folder = self.selected(write=True)
        doomed = {message.uid for message in folder.messages if "\\Deleted" in message.flags}
        if only is not None:
            doomed &= {uid for _, uid in self._chosen(only, by_uid=True)}
        folder.remove(doomed)
        return "EXPUNGE completed"


def _items(token: Any) -> list[str]:
    if not isinstance(token, list):
        token = [token]
    items: list[str] = []
    for word in map(text_of, token):
        section = SECTION.fullmatch(word)
        if word.upper() in ("FAST", "ALL"):
            items += ["FLAGS", "INTERNALDATE", "RFC822.SIZE"]
        elif word.upper() == "RFC822":
            items.append("BODY[]")
        else:
            items.append(word if section else word.upper())
    # Literals come last.
    return sorted(items, key=lambda item: "[" in item)


def _sets_seen(item: str) -> bool:
    return item.upper().startswith("BODY[") and "HEADER" not in item.upper()
