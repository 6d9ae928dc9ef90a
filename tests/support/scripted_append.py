"""APPEND of the scripted IMAP server: what it refuses, what it changes, what it says it did."""

import re
from collections.abc import Iterator
from typing import Any

from scripted_connection import Answer, Closed
from scripted_messages import Messages
from scripted_store import StoredFolder
from scripted_syntax import BadSyntax, Text, date_of, set_text, text_of


class Appending(Messages):
    def append(self, arguments: list[Any]) -> str:
        folder = self.target(self.mailbox(arguments[0]))
        if self.has("no_append_while_examined") and folder is self.folder and self.read_only:
            raise Answer("NO", "Current box is selected READ-ONLY.")
        messages = list(_appended(arguments[1:]))
        if not messages:
            raise BadSyntax("No message")
        if len(messages) > 1 and "MULTIAPPEND" not in self.server.personality.after.split():
            raise Answer("BAD", "One message at a time")
        for octets, _, _ in messages:
            self._check(octets)
        if self.has("needs_utf8_append") and "UTF8" not in arguments:
            for octets, _, _ in messages:
                if not octets.partition(b"\r\n\r\n")[0].isascii():
                    raise Answer("NO", "[CANNOT] UTF-8 in a header comes as UTF8 (~{...")
        uids = [self._keep(folder, *message) for message in messages]
        fault = self.meet("APPEND.done", folder=folder.name)
        return self._appenduid(folder, uids, fault.action if fault else "") + "APPEND completed"

    def _check(self, octets: bytes) -> None:
        personality = self.server.personality
        if personality.append_limit and len(octets) > personality.append_limit:
            raise Answer("NO", "[TOOBIG] Message too large")
        if self.has("nul_ends_connection") and b"\0" in octets:
            self.say("* BYE Invalid character in literal")
            self.close()
            raise Closed
        if self.has("needs_final_crlf") and not octets.endswith(b"\r\n"):
            words = "[CLIENTBUG] Additional arguments found after last expected argument"
            raise Answer("BAD", words)
        if self.has("refuses_nul") and b"\0" in octets:
            raise Answer("NO", "Message contains NUL characters")
        if self.has("refuses_bare_lf") and re.search(rb"(?<!\r)\n", octets):
            raise Answer("NO", "Message contains bare newlines")
        longest = max(map(len, octets.split(b"\n")), default=0)
        if personality.line_limit and longest > personality.line_limit:
            raise Answer("BAD", "Command Argument Error. 11")

    def _keep(self, folder: StoredFolder, octets: bytes, flags: list[str], date: int | None) -> int:
        kept = self.kept_flags(folder, flags)
        if self.has("flagged_lost"):
            kept -= {"\\Flagged"}
        if self.has("flags_lost"):
            kept = frozenset()
        if self.has("date_lost"):
            date = None
        if self.has("adds_final_crlf") and not octets.endswith(b"\r\n"):
            octets += b"\r\n"
        if self.has("adds_header"):
            octets = b"X-Kept-By: lab\r\n" + octets
        if self.has("changes_body"):
            octets += b"-- \r\nscanned\r\n"
        known = self.has("keeps_one_of_equals") and any(m.octets == octets for m in folder.messages)
        message = folder.add(octets, tuple(kept), date)
        if known:
            folder.remove({message.uid})
        elif self.has("appended_unseen") and folder is self.folder:
            self.hidden.add(message.uid)
        return message.uid

    def _appenduid(self, folder: StoredFolder, uids: list[int], action: str) -> str:
        if "UIDPLUS" not in self.server.personality.after.split() or action == "uid_missing":
            return ""
        if action == "uid_wrong":
            uids = [uid + 1000 for uid in uids]
        if action == "uid_permuted":
            uids = uids[::-1]
        return f"[APPENDUID {folder.uid_validity} {set_text(uids)}] "


def _appended(arguments: list[Any]) -> Iterator[tuple[bytes, list[str], int | None]]:
    flags: list[str] = []
    date: int | None = None
    for token in arguments:
        if isinstance(token, list):
            if token and isinstance(token[0], Text):  # UTF8 (~{n}
                yield bytes(token[0]), flags, date
                flags, date = [], None
            else:
                flags = [text_of(flag) for flag in token]
        elif isinstance(token, Text) and _is_date(token) and date is None:
            date = date_of(token.decode())
        elif isinstance(token, Text):
            yield bytes(token), flags, date
            flags, date = [], None
        elif token.upper() not in ("UTF8", "~"):
            raise BadSyntax(f"Unexpected {token}")


def _is_date(token: bytes) -> bool:
    return len(token) < 30 and re.match(rb"[ \d]\d?-\w{3}-\d{4} ", token) is not None
