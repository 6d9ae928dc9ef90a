"""An IMAP server of our own for what real ones do not show on demand.

    server = ScriptedImap(lab, {"ann": "secret"}, personality=YAHOO).start()
    server.folder("ann", "INBOX").add(octets, ("\\\\Seen",), date)
    server.fault("drop", at="FETCH.message", uid=7, after_octets=100)
    server.fault("no", at="FETCH.message", uid=9, times=None, text="[UNAVAILABLE] Server error")
    server.fault("bye", at="APPEND.message", nth=3, after_octets=1000, text="AccessTokenExpired")
    server.fault("drop", at="APPEND.done")  # stored, and the answer is lost

It keeps every octet, in memory, over stop() and start(). `journal` is all that clients have said;
`strangers` is what no client should have said.

A fault is met at a point: a command's name before it is done (LOGIN, SELECT, APPEND, FETCH, "*" for
any, CONNECT), its name with ".done" when all is done but the answer, and for each message
"FETCH.message" and "APPEND.message". Actions: no, bad (with `text`), bye, drop (after
`after_octets` of the literal), reset, delay (`seconds`), say (`text` as untagged lines); of
FETCH.message also nil, empty, duplicate, expunge, other (another message's octets); of APPEND.done
also uid_missing, uid_wrong, uid_permuted; of APPEND.message also bad_unread: the message is not
read, and what it says is taken for commands.
"""

import contextlib
import random
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable

from scripted_personality import MODERN, Personality
from scripted_session import Session
from scripted_store import StoredAccount, StoredFolder
from siding_lab import Lab
from test_certificates import make_ca, make_certificate

HOST = "127.0.0.1"
COMMANDS = frozenset(
    "CAPABILITY NOOP LOGOUT ID STARTTLS LOGIN AUTHENTICATE ENABLE NAMESPACE LIST LSUB XLIST"
    " SUBSCRIBE UNSUBSCRIBE CREATE DELETE RENAME STATUS SELECT EXAMINE CLOSE UNSELECT CHECK"
    " APPEND FETCH STORE SEARCH COPY MOVE EXPUNGE IDLE COMPRESS GETQUOTA GETQUOTAROOT GETACL"
    " MYRIGHTS NOTIFY".split()
)


@dataclass
class Fault:
    action: str
    at: str
    text: str = ""
    user: str | None = None
    folder: str | None = None  # as on the wire
    uid: int | None = None
    nth: int = 1  # the first that it is for
    times: int | None = 1  # None: for ever
    after_octets: int = 0
    seconds: float = 0.0
    met: int = 0

    def is_due(self, at: str, where: dict[str, Any]) -> bool:
        if self.at != at and not (self.at == "*" and "." not in at):
            return False
        for key in ("user", "folder", "uid"):
            wanted = getattr(self, key)
            if wanted is not None and wanted != where.get(key):
                return False
        self.met += 1
        return self.met >= self.nth and (self.times is None or self.met < self.nth + self.times)


@dataclass(frozen=True)
class Said:
    at: float
    connection: int
    user: str
    name: str  # upper case; UID FETCH is FETCH
    line: str  # literals as {n}


class ScriptedImap:
    def __init__(
        self,
        lab: Lab,
        users: dict[str, str] | None = None,
        personality: Personality = MODERN,
        tls: bool = False,
        seed: int = 1,
    ):
        self.lab = lab
        self.personality = personality
        self.draw = random.Random(seed)
        self.port = self.tls_port = 0
        self.context: ssl.SSLContext | None = None
        if tls:
            pair = make_certificate(lab.directory / "tls", ["localhost", HOST], file="scripted")
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*pair)
        self.with_tls = tls
        self.guard = threading.RLock()
        self.accounts: dict[str, StoredAccount] = {}
        self.faults: list[Fault] = []
        self.journal: list[Said] = []
        # Of XOAUTH2 and OAUTHBEARER: (user, token); without it the accounts' own.
        self.is_good_token: Callable[[str, str], bool] | None = None
        self.connections = 0
        # How many one user may have logged in at once (0: any number), and what the next one hears.
        self.connections_max = 0
        self.connections_words = "[LIMIT] too many connections"
        self.connections_refused = 0
        self.most_connections = 0
        self.listeners: list[socket.socket] = []
        self.sessions: set[Session] = set()
        for user, password in (users or {}).items():
            self.add_user(user, password)
        lab.cleanup.callback(self.stop)

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def tls_address(self) -> str:
        return f"{HOST}:{self.tls_port}"

    @property
    def ca_file(self) -> Any:
        return make_ca(self.lab.directory / "tls")

    # --- what there is --------------------------------------------------------------------------
    def add_user(self, user: str, password: str) -> StoredAccount:
        if user in self.accounts:
            self.accounts[user].password = password
            return self.accounts[user]
        account = StoredAccount(
            user, password, self.personality.separator, 1_700_000_000 + 1000 * len(self.accounts),
            "names_ignore_case" in self.personality.quirks,
        )  # fmt: skip
        for name, *attributes in self.personality.folders:
            account.create(name, *attributes)
        self.accounts[user] = account
        return account

    def folder(self, user: str, name: str) -> StoredFolder:
        """By its name in Unicode; it is made when it is not there."""
        account = self.accounts[user]
        with account.guard:
            return account.folder(name) if name in account else account.create(name)

    # --- what goes wrong ------------------------------------------------------------------------
    def fault(self, action: str, at: str, **options: Any) -> Fault:
        fault = Fault(action, at, **options)
        with self.guard:
            self.faults.append(fault)
        return fault

    def heal(self) -> None:
        with self.guard:
            self.faults.clear()

    def due(self, at: str, **where: Any) -> Fault | None:
        with self.guard:
            due = [fault for fault in self.faults if fault.is_due(at, where)]
            return due[0] if due else None

    def hang_up(self) -> None:
        """Every connection, at once."""
        with self.guard:
            sessions = list(self.sessions)
        for session in sessions:
            session.close()

    # --- what was said --------------------------------------------------------------------------
    def note(self, session: Session, name: str, line: str) -> None:
        with self.guard:
            said = Said(time.monotonic(), session.number, session.user, name, line)
            self.journal.append(said)

    def said(self, name: str) -> list[str]:
        """All commands of this name, as they came."""
        with self.guard:
            return [said.line for said in self.journal if said.name == name]

    @property
    def strangers(self) -> list[str]:
        """Commands that no client sends: octets of messages that were taken for commands."""
        with self.guard:
            return [said.line for said in self.journal if said.name and said.name not in COMMANDS]

    # --- process --------------------------------------------------------------------------------
    def start(self) -> "ScriptedImap":
        assert not self.listeners, "it runs"
        self.port = self._listen(self.port, implicit_tls=False)
        if self.with_tls:
            self.tls_port = self._listen(self.tls_port, implicit_tls=True)
        return self

    def _listen(self, port: int, implicit_tls: bool) -> int:
        listener = socket.create_server((HOST, port), backlog=500)
        self.listeners.append(listener)
        arguments = (listener, implicit_tls)
        threading.Thread(target=self._accept, args=arguments, daemon=True).start()
        return listener.getsockname()[1]

    def _accept(self, listener: socket.socket, implicit_tls: bool) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self.guard:
                self.connections += 1
                session = Session(self, connection, self.connections, implicit_tls)
                self.sessions.add(session)
            threading.Thread(target=self._serve, args=(session,), daemon=True).start()

    def _serve(self, session: Session) -> None:
        try:
            session.run()
        finally:
            with self.guard:
                self.sessions.discard(session)

    def stop(self) -> None:
        for listener in self.listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.listeners.clear()
        self.hang_up()

    def restart(self) -> "ScriptedImap":
        self.stop()
        return self.start()
