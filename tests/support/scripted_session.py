"""A session of the scripted IMAP server: which command is allowed when, and those about folders."""

import re
import select
import ssl
import time
from typing import Any

from scripted_append import Appending
from scripted_connection import Answer, Closed
from scripted_store import StoredFolder
from scripted_syntax import BadSyntax, matches, numbers, set_text, text_of

STATUS_ITEMS = (
    "MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "HIGHESTMODSEQ", "SIZE", "MAILBOXID",
    "DELETED", "APPENDLIMIT",
)  # fmt: skip
BEFORE_LOGIN = ("CAPABILITY", "NOOP", "LOGOUT", "ID", "STARTTLS", "LOGIN", "AUTHENTICATE")
NAMES_MAILBOXES = (
    "SELECT", "EXAMINE", "LIST", "LSUB", "STATUS", "APPEND", "CREATE", "RENAME", "DELETE",
    "SUBSCRIBE", "UNSUBSCRIBE", "COPY", "MOVE",
)  # fmt: skip
KEEPS_NUMBERS = ("FETCH", "STORE", "SEARCH")


class Session(Appending):
    has_id = False

    def run(self) -> None:
        try:
            if self.tls:
                self._wrap()
            self.meet("CONNECT")
            before = self._announced()
            self.send(self.server.personality.greeting.format(before=before).encode() + b"\r\n")
            while True:
                self._one()
        except (Closed, OSError, ssl.SSLError, ValueError):
            self.close()
        except Answer as answer:  # at the greeting
            self.say(f"* BYE {answer.text}")
            self.close()

    def _wrap(self) -> None:
        assert self.server.context
        self.sock = self.server.context.wrap_socket(self.sock, server_side=True)
        self.tls, self.buffer = True, b""

    def _one(self) -> None:
        name = ""
        try:
            self.tag, name, arguments = self.command()
            words = self._do(name, arguments)
            kind = "OK"
        except Answer as answer:
            kind, words = answer.kind, answer.text
        except (BadSyntax, IndexError, ValueError) as error:
            kind, words = "BAD", f"Error in IMAP command: {error}"
        if self.account and kind == "OK":
            with self.account.guard:
                self.sync(expunges=name not in KEEPS_NUMBERS)
        self.say(f"{self.tag} {kind} {words}")
        if name == "LOGOUT":
            raise Closed
        if name == "STARTTLS" and kind == "OK":
            self._wrap()

    def _do(self, name: str, arguments: list[Any]) -> str:
        by_uid = name == "UID"
        if by_uid:
            name, arguments = text_of(arguments[0]).upper(), arguments[1:]
        folder = self.folder.name if self.folder else None
        if name in ("SELECT", "EXAMINE", "STATUS", "APPEND", "CREATE") and arguments:
            folder = self.mailbox(arguments[0])
        self.meet(name, folder=folder)
        if self.account is None and name not in BEFORE_LOGIN:
            raise Answer("BAD", "Log in first")
        if self.is_utf8_missing() and name in NAMES_MAILBOXES:
            raise Answer("NO", "[CANNOT] ENABLE UTF8=ACCEPT first")
        if name == "IDLE":
            words = self._idle()
        elif self.account and name != "FETCH":  # a client may be slow to take it
            with self.account.guard:
                words = self._dispatch(name, arguments, by_uid)
        else:
            words = self._dispatch(name, arguments, by_uid)
        if name != "APPEND":  # which has its own
            self.meet(f"{name}.done", folder=folder)
        return words

    def _dispatch(self, name: str, a: list[Any], by_uid: bool) -> str:
        match name:
            case "CAPABILITY":
                self.say(f"* CAPABILITY {self._announced()}")
            case "NOOP" | "CHECK":
                pass
            case "LOGOUT":
                self.say("* BYE logging out")
            case "ID":
                self.has_id = True
                self.say('* ID ("name" "scripted")')
            case "STARTTLS":
                if not self.server.context or self.tls:
                    raise Answer("BAD", "TLS is not available")
            case "LOGIN":
                self.check_password(text_of(a[0]), text_of(a[1]))
                return self._welcome()
            case "AUTHENTICATE":
                self.authenticate(text_of(a[0]).upper(), text_of(a[1]) if len(a) > 1 else None)
                return self._welcome()
            case "ENABLE":
                self._enable([text_of(word).upper() for word in a])
            case "NAMESPACE":
                looks = self.server.personality
                self.say(f'* NAMESPACE (("{looks.prefix}" "{looks.separator}")) NIL NIL')
            case "LIST" | "LSUB" | "XLIST":
                self._list(name, a)
            case "SUBSCRIBE" | "UNSUBSCRIBE":
                self.found(self.mailbox(a[0])).subscribed = name == "SUBSCRIBE"
            case "CREATE":
                self._create(self.mailbox(a[0]))
            case "DELETE":
                assert self.account
                self.found(self.mailbox(a[0]))
                del self.account.folders[self.account.key(self.mailbox(a[0]))]
            case "RENAME":
                self._rename(self.mailbox(a[0]), self.mailbox(a[1]))
            case "STATUS":
                self._status(self.found(self.mailbox(a[0])), [text_of(x).upper() for x in a[1]])
            case "SELECT" | "EXAMINE":
                parameters = a[1] if len(a) > 1 else []
                return self._select(self.mailbox(a[0]), name == "EXAMINE", parameters)
            case "CLOSE" | "UNSELECT":
                if name == "CLOSE" and not self.read_only:
                    self.expunge(None)
                self.selected()
                self.folder = None
            case "APPEND":
                return self.append(a)
            case "FETCH":
                return self.fetch(a, by_uid)
            case "STORE":
                return self.store(a, by_uid)
            case "SEARCH":
                return self.search(a, by_uid)
            case "COPY" | "MOVE":
                return self.copy(a, by_uid, name == "MOVE")
            case "EXPUNGE":
                return self.expunge(text_of(a[0]) if by_uid else None)
            case _:
                raise Answer("BAD", f"Unknown command {name}")
        return f"{name} completed"

    def _announced(self) -> str:
        personality = self.server.personality
        if self.account:
            return personality.after
        return personality.before + " STARTTLS" * bool(self.server.context and not self.tls)

    def _welcome(self) -> str:
        self._count()
        if self.server.personality.name == "minimal":
            return "LOGIN completed"
        return f"[CAPABILITY {self._announced()}] {self.user} authenticated (Success)"

    def _count(self) -> None:
        server = self.server
        with server.guard:
            others = sum(1 for other in server.sessions if other.account is self.account)
            server.most_connections = max(server.most_connections, others)
            if 0 < server.connections_max < others:
                self.account = None
                server.connections_refused += 1
                raise Answer("NO", server.connections_words)

    def is_utf8_missing(self) -> bool:
        is_only = "UTF8=ONLY" in self.server.personality.after.split()
        return is_only and "UTF8=ACCEPT" not in self.enabled

    def _enable(self, names: list[str]) -> None:
        known = [n for n in names if n in ("CONDSTORE", "QRESYNC", "UTF8=ACCEPT")]
        announced = self.server.personality.after.split()
        announced += ["UTF8=ACCEPT"] * ("UTF8=ONLY" in announced)  # RFC 9755 §6
        known = [n for n in known if n in announced]
        self.enabled |= set(known)
        self.is_condstore |= bool(self.enabled & {"CONDSTORE", "QRESYNC"})
        if not self.has("no_enabled"):
            self.say(" ".join(["* ENABLED", *known]))

    # --- folders --------------------------------------------------------------------------------
    def _list(self, name: str, a: list[Any]) -> None:
        assert self.account
        only_subscribed = name == "LSUB"
        if isinstance(a[0], list):
            only_subscribed = "SUBSCRIBED" in [text_of(word).upper() for word in a[0]]
            a = a[1:]
        patterns = a[1] if isinstance(a[1], list) else [a[1]]
        wanted = [self.mailbox(a[0]) + self.mailbox(pattern) for pattern in patterns]
        options: list[Any] = a[3] if len(a) > 3 and a[2] == "RETURN" else []
        separator = self.server.personality.separator
        if wanted == [""]:
            self.say(f'* {name} (\\Noselect) "{separator}" ""')
            return
        statuses = [options[n + 1] for n, word in enumerate(options) if word == "STATUS"]
        for folder in list(self.account.folders.values()):
            if only_subscribed and not folder.subscribed:
                continue
            if not any(matches(pattern, folder.name, separator) for pattern in wanted):
                continue
            self._list_one(name, folder, options)
            if self.has("inbox_twice") and folder.name == "INBOX":
                self.say(f'* {name} () "{separator}" Inbox')
            for items in statuses:
                if folder.selectable:
                    self._status(folder, [text_of(item).upper() for item in items])

    def _list_one(self, name: str, folder: StoredFolder, options: list[Any]) -> None:
        assert self.account
        separator = self.server.personality.separator
        attributes = list(folder.attributes)
        below = folder.name + separator
        has_children = any(f.name.startswith(below) for f in self.account.folders.values())
        if "CHILDREN" in self.server.personality.after.split():
            attributes.append("\\HasChildren" if has_children else "\\HasNoChildren")
        if folder.subscribed and "SUBSCRIBED" in options:
            attributes.append("\\Subscribed")
        octets = self.shown(folder).encode()
        shown = b"{%d}\r\n%s" % (len(octets), octets)
        shown = shown if self.has("names_as_literals") else self.quoted_name(folder)
        head = f'* {name} ({" ".join(attributes)}) "{separator}" '
        self.send(head.encode() + shown + b"\r\n")

    def _create(self, name: str) -> None:
        assert self.account
        name = name.removesuffix(self.server.personality.separator)
        for pattern, words in self.server.personality.bad_names:
            if re.search(pattern, name):
                raise Answer("NO", words)
        if self.account.key(name) in self.account.folders:
            raise Answer("NO", "[ALREADYEXISTS] Mailbox already exists")
        prefix = self.server.personality.prefix
        if prefix and not name.startswith(prefix):
            raise Answer("NO", "[CANNOT] Invalid mailbox name")
        self.account.create_raw(name)

    def _rename(self, name: str, to: str) -> None:
        assert self.account
        folder = self.found(name)
        below = folder.name + self.server.personality.separator
        for old in [folder, *self.account.folders.values()]:
            if old is folder or old.name.startswith(below):
                del self.account.folders[self.account.key(old.name)]
                old.name = to + old.name[len(folder.name) :] if old is not folder else old.name
                self.account.folders[self.account.key(to if old is folder else old.name)] = old
        folder.name = to

    def _status(self, folder: StoredFolder, items: list[str]) -> None:
        facts = {
            "MESSAGES": len(folder.messages), "RECENT": 0, "UIDNEXT": folder.uid_next,
            "UIDVALIDITY": self._uid_validity(folder), "HIGHESTMODSEQ": folder.modseq,
            "UNSEEN": sum("\\Seen" not in m.flags for m in folder.messages),
            "DELETED": sum("\\Deleted" in m.flags for m in folder.messages),
            "SIZE": sum(len(m.octets) for m in folder.messages),
            "MAILBOXID": f"(F{folder.uid_validity})", "APPENDLIMIT": "NIL",
        }  # fmt: skip
        unknown = [item for item in items if item not in STATUS_ITEMS]
        if unknown:
            raise Answer("BAD", f"Unknown STATUS item {unknown[0]}")
        if self.has("no_uidnext"):
            items = [item for item in items if item != "UIDNEXT"]
        shown = " ".join(f"{item} {facts[item]}" for item in items)
        name = self.quoted_name(folder).decode()
        self.say(f"* STATUS {name} ({shown})" + " " * self.has("status_ends_with_blank"))

    def _uid_validity(self, folder: StoredFolder) -> int:
        return 0 if self.has("uidvalidity_zero") else folder.uid_validity

    def _select(self, name: str, read_only: bool, parameters: list[Any]) -> str:
        if self.has("needs_id") and not self.has_id:
            raise Answer("NO", "SELECT Unsafe Login. Please contact the hotline")
        if self.folder and "QRESYNC" in self.enabled:
            self.say("* OK [CLOSED] previous mailbox is closed")
        self.folder = None
        folder = self.found(name)
        self.folder, self.read_only, self.hidden = folder, read_only, set()
        self.view = [message.uid for message in folder.messages]
        self.told = folder.modseq
        permanent = folder.permanent_flags or self.server.personality.permanent_flags
        flags = {f for m in folder.messages for f in m.flags} | set(permanent) - {"\\*"}
        self.say(f"* FLAGS ({' '.join(sorted(flags))})")
        self.say(f"* OK [PERMANENTFLAGS ({' '.join(() if read_only else permanent)})] limited")
        self.say(f"* {len(self.view)} EXISTS")
        self.say("* 0 RECENT")
        if not (read_only and self.has("no_uidvalidity_on_examine")):
            self.say(f"* OK [UIDVALIDITY {self._uid_validity(folder)}] UIDs valid")
        if not (self.has("no_uidnext") or self.has("no_uidnext_on_select")):
            self.say(f"* OK [UIDNEXT {folder.uid_next}] Predicted next UID")
        words = "" if self.has("highestmodseq_without_text") else " Highest"
        if "CONDSTORE" in self.server.personality.after.split():
            self.say(f"* OK [HIGHESTMODSEQ {folder.modseq}]{words}")
        for at, word in enumerate(parameters):
            if word == "CONDSTORE":
                self.is_condstore = True
            if word == "QRESYNC":
                self._resync(folder, parameters[at + 1])
        return f"[READ-{'ONLY' if read_only else 'WRITE'}] {name} selected"

    def _resync(self, folder: StoredFolder, known: list[Any]) -> None:
        if "QRESYNC" not in self.enabled:
            raise Answer("BAD", "QRESYNC is not enabled")
        if int(known[0]) != folder.uid_validity:
            return
        since = int(known[1])
        uids = numbers(known[2], 1 << 62) if len(known) > 2 else [range(1, 1 << 62)]
        gone = {u for m, u in folder.vanished if m > since and any(u in r for r in uids)}
        if gone:
            self.say(f"* VANISHED (EARLIER) {set_text(sorted(gone))}")
        for at, message in enumerate(folder.messages, 1):
            if message.modseq > since and any(message.uid in r for r in uids):
                self.say(f"* {at} FETCH ({self._flags(message)})")

    # --- IDLE -----------------------------------------------------------------------------------
    def _idle(self) -> str:
        assert self.account
        self.say("+ idling")
        while b"\n" not in self.buffer:
            with self.account.guard:
                self.sync()
            pending = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()
            if pending or select.select([self.sock], [], [], 0.05)[0]:
                self._more()
            time.sleep(0)
        if self.line().strip().upper() != b"DONE":
            raise Answer("BAD", "Expected DONE")
        return "Idle completed"
