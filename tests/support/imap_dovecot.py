"""Dovecot 2.3: the server with every extension, and with those taken away that a test names."""

import os
import time

from imap_server import HOST, ImapServer
from siding_lab import Lab, wait_until

MASTER, MASTER_PASSWORD = "boss", "boss-secret"

CONFIG = """
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
protocols = imap
listen = {host}
default_vsz_limit = 4G
default_process_limit = 1000
default_client_limit = 4000
disable_plaintext_auth = {only_tls}
auth_mechanisms = plain login scram-sha-256
auth_master_user_separator = *
auth_verbose = yes
auth_failure_delay = 0
mail_location = {location}
mail_uid = {uid}
mail_gid = {uid}
first_valid_uid = {uid}
mail_fsync = {fsync}
mail_plugins = {plugins}
mail_max_userip_connections = {connections}
ssl = {ssl}
{certificate}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {root}/masters
  master = yes
  result_success = continue
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {root}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={uid} home={root}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
{special_use}}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
  service_count = 0
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
protocol imap {{
  mail_plugins = $mail_plugins {imap_plugins}
  {capability}
}}
"""

# What 2.3.19 says after login, without plugins; imap_lab_test.py compares.
CAPABILITIES = (
    "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES"
    " THREAD=REFS THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN"
    " NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES"
    " WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW"
    " STATUS=SIZE SAVEDATE LITERAL+ NOTIFY"
)
SPECIAL = ("Drafts", "Junk", "Sent", "Trash", "Archive")


class Dovecot(ImapServer):
    """`storage` is maildir, sdbox, mdbox or mbox. `capability` replaces what is announced whole;
    `without` takes names away from it: Dovecot goes on doing what it no longer announces, so it
    still sends APPENDUID. `quota_bytes`, `acl` and `compress` switch the plugins on. A master
    user exists: MASTER with MASTER_PASSWORD, as `user*boss` or by an authorization id. `fsync`
    as in real life is for measurements."""

    NAME = "dovecot"
    PACKAGES = [
        "dovecot-core", "dovecot-imapd", "libsodium23", "libunwind8", "liblz4-1", "libzstd1",
        "libcap2", "libwrap0", "libtirpc3", "libicu72", "libpam0g",
    ]  # fmt: skip
    ACCOUNTS = ["dovecot", "dovenull", "vmail"]

    def __init__(
        self,
        lab: Lab,
        users: dict[str, str] | None = None,
        tls: bool = False,
        name: str = "",
        storage: str = "maildir",
        separator: str = "/",
        prefix: str = "",
        capability: str | None = None,
        without: tuple[str, ...] = (),
        special_use: bool = False,
        quota_bytes: int = 0,
        acl: bool = False,
        compress: bool = False,
        connections_per_user: int = 200,
        clear_text: bool = True,
        fsync: bool = False,
        extra: str = "",
    ):
        self.changes = 0
        super().__init__(lab, users or {}, name, tls)
        if without:
            assert capability is None and set(without) <= set(CAPABILITIES.split()), without
            capability = " ".join(word for word in CAPABILITIES.split() if word not in without)
        self.capability = capability
        self.clear_text = clear_text
        self.options = {
            "storage": storage, "separator": separator, "prefix": prefix,
            "special_use": special_use, "quota_bytes": quota_bytes, "acl": acl,
            "connections": connections_per_user, "fsync": fsync, "extra": extra,
            "compress": compress,
        }  # fmt: skip
        self.mail = self.directory / "mail"
        for directory in (self.mail, self.directory / "run", self.directory / "state"):
            directory.mkdir()
            directory.chmod(0o755)
        uid = self.account_id("vmail")
        os.chown(self.mail, uid, uid)
        (self.directory / "masters").write_text(f"{MASTER}:{MASTER_PASSWORD}\n")

    def add_user(self, user: str, password: str) -> None:
        """Also while it runs; again with another password changes it."""
        super().add_user(user, password)
        lines = "".join(f"{user}:{password}\n" for user, password in self.users.items())
        new = self.directory / "users.new"
        new.write_text(lines)
        self.changes += 1  # it looks once a second, and at the time in seconds
        os.utime(new, times=(time.time(), int(time.time()) + self.changes))
        new.replace(self.directory / "users")
        if self.processes:
            wait_until(lambda: self._knows(user, password), f"{user} may log in")

    def _knows(self, user: str, password: str) -> bool:
        config = str(self.directory / "dovecot.conf")
        command = self.command("usr/bin/doveadm", "-c", config, "auth", "test", user, password)
        return self.lab.run(*command).code == 0

    def configure(self) -> None:
        (self.directory / "dovecot.conf").write_text(self._config())

    def _config(self) -> str:
        o = self.options
        location = {
            "maildir": "maildir:~/Maildir", "sdbox": "sdbox:~/sdbox", "mdbox": "mdbox:~/mdbox",
            "mbox": "mbox:~/mail:INBOX=~/inbox",
        }  # fmt: skip
        special = "".join(
            f"  mailbox {name} {{\n    special_use = \\{name}\n    auto = create\n  }}\n"
            for name in SPECIAL
        )
        plugins = "quota " * bool(o["quota_bytes"]) + "acl " * bool(o["acl"])
        text = CONFIG.format(
            root=self.directory,
            host=HOST,
            only_tls="no" if self.clear_text else "yes",
            location=location[o["storage"]],
            uid=self.account_id("vmail"),
            fsync="optimized" if o["fsync"] else "never",
            plugins=plugins,
            imap_plugins="imap_quota " * bool(o["quota_bytes"])
            + "imap_acl " * bool(o["acl"])
            + "imap_zlib " * bool(o["compress"]),
            connections=o["connections"],
            ssl=("yes" if self.clear_text else "required") if self.tls_port else "no",
            certificate=f"ssl_cert = <{self.certificate}\nssl_key = <{self.key}\n"
            if self.tls_port
            else "",
            separator=o["separator"],
            prefix=o["prefix"],
            special_use=special if o["special_use"] else "",
            port=self.port,
            tls_port=self.tls_port,
            capability=f"imap_capability = {self.capability}" if self.capability else "",
        )
        if o["quota_bytes"]:
            text += "plugin {\n  quota = count:User quota\n  quota_vsizes = yes\n"
            text += f"  quota_rule = *:bytes={o['quota_bytes']}\n  quota_grace = 0\n}}\n"
        if o["acl"]:
            text += f"plugin {{\n  acl = vfile\n  acl_shared_dict = file:{self.directory}/acl\n}}\n"
        return text + str(o["extra"])

    def serve(self) -> list[list[str]]:
        config = str(self.directory / "dovecot.conf")
        return [self.command("usr/sbin/dovecot", "-F", "-c", config)]

    def doveadm(self, *arguments: str) -> str:
        config = str(self.directory / "dovecot.conf")
        done = self.lab.run(*self.command("usr/bin/doveadm", "-c", config, *arguments))
        assert done.code == 0, f"doveadm {arguments}: {done.err}"
        return done.out
