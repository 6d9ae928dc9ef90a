"""Cyrus 3.6: strict about what it takes, with OBJECTID and its own ideas of names and flags."""

import os
import shutil

from imap_server import HOST, ImapServer
from siding_lab import Lab

ADMIN, ADMIN_PASSWORD = "cyrus", "cyrus-secret"

IMAPD_CONF = """
configdirectory: {root}/config
partition-default: {root}/spool
defaultpartition: default
admins: {admin}
proxyservers: proxy
servername: imap.example.net
allowplaintext: {clear_text}
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {root}/sasldb2
sasl_mech_list: PLAIN LOGIN SCRAM-SHA-256
virtdomains: off
altnamespace: {altnamespace}
unixhierarchysep: {unixhierarchysep}
autocreate_quota: {quota}
autocreate_quota_messages: -1
autocreate_post: yes
reject8bit: {reject8bit}
munge8bit: {munge8bit}
tls_sessions_db_path: {root}/config/tls.db
idlesocket: {root}/config/idle
expunge_mode: immediate
delete_mode: immediate
{tls}
{extra}
"""

CYRUS_CONF = """
START {{
  recover cmd="ctl_cyrusdb -C {conf} -r"
}}
SERVICES {{
  imap cmd="imapd -C {conf} -U 100" listen="{host}:{port}" prefork=1 maxchild=300
{tls}
}}
EVENTS {{
}}
"""


class Cyrus(ImapServer):
    """`classic` is the old look of the tree: "INBOX." before everything, "." between. A user's
    INBOX is made at the first login. `munge8bit` changes 8-bit header octets to X, `reject8bit`
    refuses them; neither leaves them alone. `quota_kib` is each user's; the admin is ADMIN."""

    NAME = "cyrus"
    PACKAGES = [
        "cyrus-common", "cyrus-imapd", "sasl2-bin", "libsasl2-2", "libsasl2-modules",
        "libsasl2-modules-db", "libical3", "libclamav12", "libzephyr4", "libwrap0", "libxapian30",
        "libpcre3", "libpq5", "libldap-2.5-0", "libxml2", "libjansson4", "libkrb5-3", "libicu72",
        "libgssapi-krb5-2", "libk5crypto3", "libkrb5support0", "libkeyutils1", "libsqlite3-0",
        "libdb5.3", "libcom-err2", "libpcre2-8-0", "libbz2-1.0", "libjson-c5", "libmspack0",
        "libcurl4", "libssh2-1", "libnghttp2-14", "librtmp1", "libbrotli1", "libpsl5", "libtfm1",
    ]  # fmt: skip
    ACCOUNTS = ["cyrus"]

    def __init__(
        self,
        lab: Lab,
        users: dict[str, str] | None = None,
        tls: bool = False,
        name: str = "",
        classic: bool = False,
        munge8bit: bool = False,
        reject8bit: bool = False,
        quota_kib: int = 0,
        clear_text: bool = True,
        extra: str = "",
    ):
        super().__init__(lab, {}, name, tls)
        self.options = {
            "altnamespace": "no" if classic else "yes",
            "unixhierarchysep": "no" if classic else "yes",
            "munge8bit": "yes" if munge8bit else "no",
            "reject8bit": "yes" if reject8bit else "no",
            "quota": quota_kib, "clear_text": "yes" if clear_text else "no", "extra": extra,
        }  # fmt: skip
        for name in ("config", "spool", "config/socket", "config/proc", "config/db"):
            (self.directory / name).mkdir()
            self._give(self.directory / name)
        self.add_user(ADMIN, ADMIN_PASSWORD)
        for user, password in (users or {}).items():
            self.add_user(user, password)

    def _give(self, path: os.PathLike[str]) -> None:
        uid = self.account_id("cyrus")
        os.chown(path, uid, uid)

    def add_user(self, user: str, password: str) -> None:
        """Also while it runs."""
        super().add_user(user, password)
        database = self.directory / "sasldb2"
        arguments = ["-p", "-c", "-u", "imap.example.net", "-f", str(database), user]
        done = self.lab.run(
            *self.command("usr/sbin/saslpasswd2", *arguments), stdin=password.encode()
        )
        assert done.code == 0, done.err
        self._give(database)

    def configure(self) -> None:
        conf = self.directory / "imapd.conf"
        settings = listener = ""
        if self.certificate and self.key:
            key = self.directory / "key"
            shutil.copyfile(self.key, key)
            self._give(key)
            settings = f"tls_server_cert: {self.certificate}\ntls_server_key: {key}"
            listener = f'  imaps cmd="imapd -s -C {conf} -U 100" listen="{HOST}:{self.tls_port}"'
            listener += " prefork=0 maxchild=100"
        conf.write_text(
            IMAPD_CONF.format(root=self.directory, admin=ADMIN, tls=settings, **self.options)
        )
        (self.directory / "cyrus.conf").write_text(
            CYRUS_CONF.format(conf=conf, host=HOST, port=self.port, tls=listener)
        )

    def serve(self) -> list[list[str]]:
        master = self.command(
            "usr/lib/cyrus/bin/master", "-C", str(self.directory / "imapd.conf"),
            "-M", str(self.directory / "cyrus.conf"), "-p", str(self.directory / "master.pid"),
            "-L", str(self.log_file),
        )  # fmt: skip
        return [master]

    def tool(self, name: str, *arguments: str) -> str:
        """One of /usr/lib/cyrus/bin, as the server's user."""
        conf = str(self.directory / "imapd.conf")
        done = self.lab.run(*self.command(f"usr/lib/cyrus/bin/{name}", "-C", conf, *arguments))
        assert done.code == 0, f"{name}: {done.err}"
        return done.out
