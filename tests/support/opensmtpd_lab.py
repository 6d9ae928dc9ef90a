"""OpenSMTPD, unpacked from its packages; a client or a server, as its configuration says."""

import pathlib

from peer_package import Peer
from siding_lab import Lab, free_port, listens, wait_until

PACKAGES = ["opensmtpd", "libevent-2.1-7", "libdb5.3"]
USERS = ["opensmtpd", "opensmtpq"]


class OpenSmtpd(Peer):
    """`config` names the port that it listens on as {listen}."""

    def __init__(self, lab: Lab, config: str, ca_file: pathlib.Path | None = None):
        super().__init__(lab, "opensmtpd", PACKAGES, USERS)
        self.port = free_port()
        self.config = self.directory / "smtpd.conf"
        self.config.write_text(config.replace("{listen}", str(self.port)))
        # Its chroot, queue and control socket stand at places that are compiled in.
        for name, where in (("lib", "/var/lib"), ("spool", "/var/spool"), ("run", "/run")):
            (self.directory / name).mkdir()
            self.mount(self.directory / name, where)
        self.mount(self.root / "usr/libexec", "/usr/libexec")  # what delivers into mailboxes
        (self.directory / "lib/opensmtpd/empty").mkdir(parents=True)
        (self.directory / "spool/smtpd").mkdir()
        (self.directory / "spool/smtpd").chmod(0o711)
        if ca_file:
            self.mount(ca_file, "/etc/ssl/certs/ca-certificates.crt")
        self.log_file = self.directory / "log"

    def start(self) -> "OpenSmtpd":
        with self.log_file.open("ab") as log:
            command = self.command("usr/sbin/smtpd", "-d", "-f", str(self.config))
            process = self.lab.start_process(*command, stdout=log, stderr=log)

        def is_up() -> bool:
            assert process.poll() is None, self.log()
            return listens(self.port)

        wait_until(is_up, "OpenSMTPD listens", 60)
        return self

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""
