"""siding-backfilld between two IMAP servers, as an operator has it: a configuration, an accounts
file, the daemon, and `siding backfill`.

    backfill = Backfill(lab, source, destination, {"ann": "secret"}).start()
    backfill.run().ok()
"""

import json
from typing import Any

from siding_lab import Daemon, Lab, Ran

HEADER = (
    "name,source_host,source_port,source_auth,source_user,source_secret,"
    "destination_host,destination_port,destination_auth,destination_user,destination_secret"
)


class Backfill(Daemon):
    """`users` are name → password, the same on both sides; `settings` are keys of `backfill`."""

    PROGRAM = "siding-backfilld"

    def __init__(
        self,
        lab: Lab,
        source: Any,
        destination: Any,
        users: dict[str, str],
        name: str = "backfilld",
        auth: str = "auto",
        **settings: Any,
    ):
        self.accounts_file = lab.directory / f"{name}.csv"
        self.source, self.destination = source, destination
        self.auth = auth
        self.write_accounts(users)
        config = lab.config(name=name)
        config["control"]["socket"] = str(lab.directory / "sidingd.sock")
        config["backfill"] = {
            "accounts": str(self.accounts_file),
            "socket": str(lab.directory / f"{name}.sock"),
            "source": {"tls": "off"},
            "destination": {"tls": "off"},
            **settings,
        }
        super().__init__(lab, name, config)
        lab.daemons.append(self)

    def write_accounts(self, users: dict[str, str], header: str = HEADER) -> None:
        rows = [header]
        for user, password in users.items():
            row = [user]
            for server in (self.source, self.destination):
                row += _side(server, user, password, self.auth)
            rows.append(",".join(row))
        self.accounts_file.write_text("\n".join(rows) + "\n")
        self.accounts_file.chmod(0o600)

    @property
    def socket_path(self) -> str:
        return self.config["backfill"]["socket"]

    def start(self, *prefix: str, timeout: float = 60.0) -> "Backfill":
        self.spawn(*prefix)
        self.wait_log(r"\bcontrol_listening\b", timeout)
        return self

    # --- command line ---------------------------------------------------------------------------
    def backfill(self, *arguments: str, timeout: float = 300.0) -> Ran:
        return self.lab.siding("--socket", self.socket_path, "backfill", *arguments, timeout=timeout)

    def run(self, *accounts: str, timeout: float = 300.0) -> Ran:
        return self.backfill("run", "--wait", *accounts, timeout=timeout)

    def verify(self, *accounts: str, timeout: float = 300.0) -> Ran:
        return self.backfill("verify", *accounts, timeout=timeout)

    def account(self, name: str) -> dict[str, Any]:
        accounts = self.api("GET", "/v1/backfill")["accounts"]
        found = [account for account in accounts if account["name"] == name]
        assert len(found) == 1, f"{name}: {accounts}"
        return found[0]

    def report(self, name: str) -> dict[str, Any]:
        return json.loads(self.backfill("report", name, "--json").out)


def _side(server: Any, user: str, password: str, auth: str) -> list[str]:
    host, _, port = server.address.rpartition(":")
    # Mailutils offers SCRAM and has no password to do it with.
    auth = "login" if getattr(server, "NAME", "") == "mailutils" else auth
    return [host, port, auth, user, password]
