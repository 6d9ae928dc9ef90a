"""What all benchmarks share: release binaries, comparable settings, the facts of the machine."""

import os
import pathlib
import platform
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
os.environ.setdefault("SIDING_BIN", str(ROOT / "build/release/bin"))

from postfix_lab import Postfix  # noqa: E402 - the path comes first
from siding_lab import Daemon, Lab, binaries  # noqa: E402

CONNECTIONS = 20  # to the next hop, for both
# One program plays thousands of senders, and each of its sessions sends thousands of messages:
# counted all the same, and never at the limit.
LIMITS = {"connections_per_client": 5000, "commands": 10_000_000}


def siding(lab: Lab, new: str | None = None, name: str = "sidingd", **more) -> Daemon:
    config = lab.config(name=name, **{"limits": LIMITS, **more})
    config["servers"]["new"] = {"address": new or "127.0.0.1:9", "connections": CONNECTIONS}
    return lab.daemon(config, name)


def holding_postfix(
    lab: Lab, new: str | None = None, name: str = "postfix", **settings: str
) -> Postfix:
    """Postfix that puts every message on hold, tuned as an operator of a busy relay would."""
    return Postfix(
        lab,
        name,
        **settings,
        smtpd_client_restrictions="static:HOLD",
        relayhost="[127.0.0.1]:" + (new or "127.0.0.1:9").rpartition(":")[2],
        initial_destination_concurrency=str(CONNECTIONS),
        default_destination_concurrency_limit=str(CONNECTIONS),
        relay_destination_concurrency_limit=str(CONNECTIONS),
        smtp_destination_concurrency_limit=str(CONNECTIONS),
    )


def synced_writes_per_second(directory: pathlib.Path, count: int = 300) -> float:
    """What the disk gives to somebody who writes 4 KiB and syncs, one after another."""
    block = os.urandom(4096)
    with (directory / "sync-probe").open("wb", buffering=0) as file:
        started = time.monotonic()
        for _ in range(count):
            file.write(block)
            os.fdatasync(file.fileno())
        return count / (time.monotonic() - started)


def print_machine(lab: Lab) -> None:
    rate = synced_writes_per_second(lab.directory)
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, {binaries()}")
    print(f"disk: {rate:.0f} synced 4 KiB writes/s one after another, in {lab.directory.parent}")


def print_ratio(what: str, ours: float, theirs: float, wanted: float, unit: str = "msgs/s") -> bool:
    ratio = ours / theirs
    verdict = "ok" if ratio >= wanted else "BELOW"
    print(
        f"{what:<28} siding {ours:9.0f} {unit}   postfix {theirs:9.0f} {unit}"
        f"   ratio {ratio:5.2f} (wanted {wanted:g}) {verdict}",
        flush=True,
    )
    return ratio >= wanted
