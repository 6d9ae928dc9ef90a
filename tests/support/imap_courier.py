"""Courier 5.0: "INBOX." before every folder, and none of the newer extensions.

Who may log in is asked of authdaemond; ours is a thread of the test that speaks its protocol.
"""

import os
import pathlib
import socketserver
import threading

from imap_server import HOST, ImapServer
from siding_lab import Lab

ENVIRONMENT = {
    "IMAP_CAPABILITY": "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT"
    " THREAD=REFERENCES SORT QUOTA IDLE",
    "IMAP_KEYWORDS": "1",
    "IMAP_ACL": "1",
    "IMAP_IDLE_TIMEOUT": "60",
    "IMAP_MAILBOX_SANITY_CHECK": "1",
    "IMAP_USELOCKS": "1",
    "IMAP_TRASHFOLDERNAME": "Trash",
    "IMAP_ENHANCEDIDLE": "0",
    "IMAP_UMASK": "022",
    "MAILDIRPATH": "Maildir",
    "PATH": "/usr/bin:/bin",
}


class Courier(ImapServer):
    """`settings` are variables of /etc/courier/imapd, such as IMAP_KEYWORDS or IMAP_CAPABILITY;
    `connections` is how many one address may have. Mail is in Maildirs under `mail`."""

    NAME = "courier"
    PACKAGES = [
        "courier-imap", "courier-base", "courier-authlib", "libcourier-unicode4", "libidn12",
        "gamin", "libgamin0", "libltdl7", "libgdbm6", "libgnutls30", "libp11-kit0", "libtasn1-6",
        "libnettle8", "libhogweed6", "libunistring2", "libidn2-0", "libffi8", "libpcre3",
        "libglib2.0-0",
    ]  # fmt: skip
    ACCOUNTS = ["courier", "vmail"]

    def __init__(
        self,
        lab: Lab,
        users: dict[str, str] | None = None,
        tls: bool = False,
        name: str = "",
        connections: int = 100,
        settings: dict[str, str] | None = None,
    ):
        super().__init__(lab, {}, name, tls)
        self.connections = connections
        self.name_of_watcher = f"lab-{self.port}"
        self.settings = ENVIRONMENT | {"GAM_CLIENT_ID": self.name_of_watcher} | (settings or {})
        self.mail = self.directory / "mail"
        for directory in ("mail", "run", "run/courier", "run/courier/authdaemon"):
            (self.directory / directory).mkdir()
        self.mount(self.directory / "run", "/run")
        self.gate = AuthGate(self.directory / "run/courier/authdaemon/socket", self._login)
        lab.cleanup.callback(self.gate.close)
        for user, password in (users or {}).items():
            self.add_user(user, password)

    def add_user(self, user: str, password: str) -> None:
        super().add_user(user, password)
        uid = self.account_id("vmail")
        home = self.mail / user
        for directory in ("", "Maildir", "Maildir/cur", "Maildir/new", "Maildir/tmp"):
            (home / directory).mkdir(exist_ok=True)
            os.chown(home / directory, uid, uid)

    def _login(self, user: str, password: str) -> str:
        if self.users.get(user) != password:
            return "FAIL\n"
        uid = self.account_id("vmail")
        return (
            f"UID={uid}\nGID={uid}\nHOME={self.mail / user}\n"
            f"ADDRESS={user}\nMAILDIR={self.mail / user}/Maildir\nOPTIONS=\n.\n"
        )

    def configure(self) -> None:
        if self.certificate and self.key:
            pair = self.directory / "pair.pem"
            pair.write_text(self.key.read_text() + self.certificate.read_text())
            pair.chmod(0o644)
            self.settings |= {
                "IMAP_STARTTLS": "YES", "COURIERTLS": "/usr/bin/couriertls",
                "TLS_CERTFILE": str(pair), "TLS_VERIFYPEER": "NONE", "IMAP_TLS_REQUIRED": "0",
            }  # fmt: skip

    def serve(self) -> list[list[str]]:
        login = ["/usr/lib/courier/courier/imaplogin", "/usr/bin/imapd", "Maildir"]
        listeners = [self._listen(self.port, [], login)]
        if self.tls_port:
            tls = ["/usr/bin/couriertls", "-server", "-tcpd", "-user=courier"]
            listeners.append(self._listen(self.tls_port, ["IMAP_TLS=1"], [*tls, *login]))
        # imapd waits for locks with it, and for a second each time when it is not there.
        uid = self.account_id("vmail")
        become = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
        watcher = self.command("usr/libexec/gam_server", "--notimeout", self.name_of_watcher)
        return [*listeners, [*watcher[:-3], *become, *watcher[-3:]]]

    def _listen(self, port: int, more: list[str], program: list[str]) -> list[str]:
        environment = [f"{key}={value}" for key, value in self.settings.items()] + more
        tcpd = self.command(
            "usr/sbin/couriertcpd", f"-address={HOST}", "-maxprocs=400",
            f"-maxperip={self.connections}", "-nodnslookup", "-noidentlookup", str(port), *program,
        )  # fmt: skip
        return ["env", *environment, *tcpd]


class AuthGate:
    """authdaemond's socket: `AUTH length`, then service, kind, user and password, one a line."""

    def __init__(self, path: pathlib.Path, check) -> None:
        class Asked(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                answer = "FAIL\n"
                while line := self.rfile.readline():  # in front there may be the client's address
                    command, _, length = line.partition(b" ")
                    if command == b"AUTH":
                        lines = self.rfile.read(int(length)).decode().split("\n")
                        answer = check(lines[2], lines[3]) if lines[1] == "login" else answer
                        break
                self.wfile.write(answer.encode())

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self.server = Server(str(path), Asked)
        path.chmod(0o666)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
