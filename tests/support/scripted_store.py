"""What the scripted IMAP server keeps: accounts, folders, messages; every octet as it came.

Whoever touches it holds `guard` of the account. Names are as on the wire (modified UTF-7).
"""

import threading
import time
from dataclasses import dataclass, field

from imap_names import decode_name, encode_name


@dataclass(slots=True)
class Stored:
    uid: int
    octets: bytes = field(repr=False)
    flags: frozenset[str]
    date: int
    modseq: int
    email_id: str
    labels: tuple[str, ...] = ()  # X-GM-LABELS


class StoredFolder:
    def __init__(self, name: str, uid_validity: int, attributes: tuple[str, ...] = ()):
        self.name = name
        self.uid_validity = uid_validity
        self.uid_next = 1
        self.modseq = 1
        self.attributes = attributes
        self.subscribed = False
        self.messages: list[Stored] = []  # by UID
        self.vanished: list[tuple[int, int]] = []  # (modseq, uid)
        self.permanent_flags: tuple[str, ...] | None = None  # instead of the personality's

    @property
    def selectable(self) -> bool:
        return "\\Noselect" not in self.attributes

    def add(
        self, octets: bytes, flags: tuple[str, ...] = (), date: float | None = None,
        email_id: str = "", labels: tuple[str, ...] = (),
    ) -> Stored:  # fmt: skip
        self.modseq += 1
        when = int(time.time() if date is None else date)
        message = Stored(
            self.uid_next, octets, frozenset(flags), when, self.modseq,
            email_id or f"M{id(self):x}{self.uid_next}", labels,
        )  # fmt: skip
        self.uid_next += 1
        self.messages.append(message)
        return message

    def find(self, uid: int) -> Stored | None:
        return next((message for message in self.messages if message.uid == uid), None)

    def store(self, message: Stored, flags: frozenset[str]) -> None:
        if message.flags != flags:
            self.modseq += 1
            message.flags, message.modseq = flags, self.modseq

    def remove(self, uids: set[int]) -> list[int]:
        gone = [message.uid for message in self.messages if message.uid in uids]
        if gone:
            self.modseq += 1
            self.vanished += [(self.modseq, uid) for uid in gone]
            self.messages = [message for message in self.messages if message.uid not in uids]
        return gone

    def change_uid_validity(self, renumber: bool = True, to: int | None = None) -> None:
        """As after a restore; with `renumber` the same messages get other UIDs."""
        self.uid_validity = self.uid_validity + 1 if to is None else to
        if renumber:
            for number, message in enumerate(self.messages, self.uid_next + 100):
                message.uid = number
            self.uid_next += 100 + len(self.messages)
            self.vanished = []


class StoredAccount:
    def __init__(
        self, user: str, password: str, separator: str, uid_validity: int, ignore_case: bool = False
    ):
        self.user, self.password = user, password
        self.separator = separator
        self.guard = threading.RLock()
        self.ignore_case = ignore_case
        self.next_uid_validity = uid_validity
        self.folders: dict[str, StoredFolder] = {}
        self.tokens: set[str] = set()  # of XOAUTH2 and OAUTHBEARER
        self.create("INBOX")

    def create(self, name: str, *attributes: str) -> StoredFolder:
        """`name` in Unicode, with the server's separator."""
        return self.create_raw(encode_name(name).decode(), *attributes)

    def create_raw(self, raw: str, *attributes: str) -> StoredFolder:
        self.next_uid_validity += 1
        folder = StoredFolder(raw, self.next_uid_validity, attributes)
        self.folders[self.key(raw)] = folder
        return folder

    def key(self, raw: str) -> str:
        if raw.upper() == "INBOX":
            return "INBOX"
        return raw.lower() if self.ignore_case else raw

    def folder(self, name: str) -> StoredFolder:
        return self.folders[self.key(encode_name(name).decode())]

    def __contains__(self, name: str) -> bool:
        return self.key(encode_name(name).decode()) in self.folders

    def names(self) -> list[str]:
        return [decode_name(folder.name.encode()) for folder in self.folders.values()]
