"""mbsync, from Debian's isync: the peer of the backfill. One account, all folders, one way."""

import pathlib
import time
from typing import Any

from peer_package import Peer
from siding_lab import Lab

CONFIG = """
FSync yes
CopyArrivalDate yes
{stores}

Channel all
Far :old:
Near :new:
Patterns INBOX *
Create Near
Sync Pull
SyncState {state}/
"""
STORE = """
IMAPAccount {side}
Host {host}
Port {port}
User {user}
Pass {password}
SSLType None
AuthMechs LOGIN
Timeout 600

IMAPStore {side}
Account {side}
"""


class Isync(Peer):
    PACKAGES = ["isync", "libdb5.3", "libsasl2-2", "zlib1g"]

    def __init__(self, lab: Lab):
        super().__init__(lab, "isync", self.PACKAGES, [], in_place=True)

    def account(self, old: Any, new: Any, user: str, password: str) -> "IsyncAccount":
        """`old` and `new` have an `address`."""
        return IsyncAccount(self, old, new, user, password)


class IsyncAccount:
    def __init__(self, isync: Isync, old: Any, new: Any, user: str, password: str):
        self.isync = isync
        number = len(list(isync.directory.iterdir()))
        self.directory = isync.directory / f"{user}-{number}"
        (self.directory / "state").mkdir(parents=True)
        self.config: pathlib.Path = self.directory / "mbsyncrc"
        stores = ""
        for side, at in (("old", old), ("new", new)):
            host, _, port = at.address.rpartition(":")
            stores += STORE.format(side=side, host=host, port=port, user=user, password=password)
        self.config.write_text(CONFIG.format(stores=stores, state=self.directory / "state"))
        self.config.chmod(0o600)

    def run(self, timeout: float = 3600.0) -> float:
        """One run; the seconds that it took."""
        command = self.isync.command("usr/bin/mbsync", "-q", "-c", str(self.config), "all")
        started = time.monotonic()
        done = self.isync.lab.run(*command, timeout=timeout)
        seconds = time.monotonic() - started
        assert done.code == 0, f"mbsync: {done.out}{done.err}"
        return seconds
