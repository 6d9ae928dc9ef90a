"""GNU Mailutils' imap4d 3.15: the least that still calls itself IMAP4rev1; no UIDPLUS."""

import os

from imap_server import HOST, ImapServer
from siding_lab import Lab

CONFIG = """
mode daemon;
foreground yes;
server {host}:{port} {{
  tls-mode no;
}}
logging {{
  syslog no;
}}
pidfile {root}/pid;
tcp-wrappers {{
  enable no;
}}
acl {{
  allow from any;
}}
mailbox {{
  mailbox-pattern "{storage}:{root}/mail/${{user}}/inbox";
  mailbox-type {storage};
}}
namespace personal {{
  prefix "" {{
    directory "{root}/mail/$user/folders";
    delimiter "/";
    mailbox-type {storage};
  }}
}}
"""


class Mailutils(ImapServer):
    """`storage` is mh, mbox or maildir. Users are system users, in a passwd file of its own.

    mh and maildir lose what APPEND says of flags and date; mbox keeps both and writes an X-UID line
    into each message; in maildir the last message gets another UID each time somebody looks. None
    takes keywords, and a message of zero length ends the connection."""

    NAME = "mailutils"
    PACKAGES = [
        "mailutils-imap4d", "libmailutils9", "libgsasl18", "libgssglue1", "libntlm0", "libidn12",
        "libwrap0", "libmariadb3", "libpq5", "libldap-2.5-0", "libsasl2-2", "libkrb5-3",
        "libgssapi-krb5-2", "libk5crypto3", "libkrb5support0", "libkeyutils1", "libltdl7",
        "libunistring2", "libnsl2", "libtirpc3", "libgnutls30", "libp11-kit0", "libtasn1-6",
        "libnettle8", "libhogweed6", "libidn2-0", "libffi8",
    ]  # fmt: skip
    ACCOUNTS: list[str] = []

    def __init__(
        self, lab: Lab, users: dict[str, str] | None = None, name: str = "", storage: str = "mh"
    ):
        super().__init__(lab, {}, name)
        self.storage = storage
        self.mail = self.directory / "mail"
        self.mail.mkdir()
        for user, password in (users or {}).items():
            self.add_user(user, password)

    def add_user(self, user: str, password: str) -> None:
        known = user in self.users
        super().add_user(user, password)
        uid = 62_000 + list(self.users).index(user)
        home = self.mail / user
        done = self.lab.run("openssl", "passwd", "-6", "-stdin", stdin=password.encode())
        line = f"{user}:{done.ok().out.strip()}:{uid}:{uid}::{home}:/bin/sh\n"
        passwd = self.directory / "passwd"
        lines = [old for old in passwd.open() if not old.startswith(f"{user}:")]
        passwd.write_text("".join([*lines, line]))  # in place: it is mounted
        if known:
            return
        home.mkdir()
        (home / "folders").mkdir()
        if self.storage == "mbox":
            (home / "inbox").touch()
        else:
            (home / "inbox").mkdir()
        for path in (home, *home.iterdir()):
            os.chown(path, uid, uid)

    def configure(self) -> None:
        text = CONFIG.format(
            host=HOST, port=self.port, root=self.directory, storage=self.storage
        )
        (self.directory / "imap4d.conf").write_text(text)

    def serve(self) -> list[list[str]]:
        config = self.directory / "imap4d.conf"
        return [self.command("usr/sbin/imap4d", f"--config-file={config}", "--no-site-config")]
