"""What the IMAP servers of the tests share: users, ports, a certificate, start and stop."""

import pathlib
import subprocess

from peer_package import FIRST_UID, Peer
from siding_lab import Lab, end_process, free_port, listens, wait_until
from test_certificates import make_ca, make_certificate

HOST = "127.0.0.1"


class ImapServer(Peer):
    """`users` are name → password; `accounts` the system users that the packages would make."""

    NAME = ""
    PACKAGES: list[str] = []
    ACCOUNTS: list[str] = []

    def __init__(self, lab: Lab, users: dict[str, str], name: str = "", tls: bool = False):
        instance = _free_name(lab, name or self.NAME)
        super().__init__(lab, self.NAME, self.PACKAGES, self.ACCOUNTS, instance, in_place=True)
        self.name = instance
        self.users: dict[str, str] = {}
        self.processes: list[subprocess.Popen[bytes]] = []
        self.port = free_port()
        self.tls_port = free_port() if tls else 0
        self.certificate = self.key = None
        if tls:
            self.certificate, self.key = make_certificate(
                lab.directory / "tls", ["imap.example.net", "localhost", HOST], file=instance
            )
        for user, password in users.items():
            self.add_user(user, password)

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def tls_address(self) -> str:
        assert self.tls_port, f"{self.name} has no TLS"
        return f"{HOST}:{self.tls_port}"

    @property
    def ca_file(self) -> pathlib.Path:
        return make_ca(self.lab.directory / "tls")

    @property
    def log_file(self) -> pathlib.Path:
        return self.directory / "log"

    def account_id(self, account: str) -> int:
        return FIRST_UID + self.ACCOUNTS.index(account)

    def add_user(self, user: str, password: str) -> None:
        self.users[user] = password

    def configure(self) -> None:
        """Called before each start."""

    def serve(self) -> list[list[str]]:
        """The commands that stay in the foreground."""
        raise NotImplementedError

    def start(self) -> "ImapServer":
        """Also after stop(): the same ports and the same mail."""
        assert not self.processes, f"{self.name} runs"
        self.configure()
        with (self.directory / "err").open("ab") as err:
            for command in self.serve():
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=err, stderr=err,
                    start_new_session=True,
                )  # fmt: skip
                self.processes.append(process)
        self.lab.cleanup.callback(self.stop)

        def up() -> bool:
            assert all(p.poll() is None for p in self.processes), f"{self.name} ended\n{self.log()}"
            return all(listens(port) for port in self._ports())

        wait_until(up, f"{self.name} listens", 60)
        return self

    def _ports(self) -> list[int]:
        return [port for port in (self.port, self.tls_port) if port]

    def stop(self) -> None:
        processes, self.processes = self.processes, []
        for process in processes:
            end_process(process)
        if processes:
            gone = lambda: not any(listens(port) for port in self._ports())  # noqa: E731
            wait_until(gone, f"{self.name} is gone", 60)

    def restart(self) -> "ImapServer":
        self.stop()
        return self.start()

    def log(self) -> str:
        files = (self.directory / "err", self.log_file)
        return "".join(f.read_text(errors="replace") for f in files if f.exists())


def _free_name(lab: Lab, name: str) -> str:
    number, wanted = 2, name
    while (lab.directory / wanted).exists():
        wanted, number = f"{name}{number}", number + 1
    return wanted
