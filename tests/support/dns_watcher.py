"""What a daemon says of a domain's DNS, and when it began to say so.

    watcher = DnsWatcher(daemon, "cutover.test").start()
    watcher.wait_for("published", 10)
    watcher.first["published"]     when it was first seen at that verdict or beyond
    watcher.gates["ttl"]           when that gate was first seen open
"""

import threading
import time
from datetime import datetime
from typing import Any

from siding_lab import ApiError, Daemon, wait_until

ORDER = ["none", "published", "converged", "proven", "quiet"]


def seconds(text: str) -> float:
    """Of an API's time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def dns_of(daemon: Daemon, domain: str) -> dict[str, Any]:
    (found,) = daemon.api("GET", "/v1/dns", domain=domain)["domains"]
    return found


def gate(report: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in report["gates"] if one["name"] == name]
    return found


class DnsWatcher:
    def __init__(self, daemon: Daemon, domain: str):
        self.daemon, self.domain = daemon, domain
        self.first: dict[str, float] = {}
        self.gates: dict[str, float] = {}
        self.last: dict[str, Any] = {}
        self.said: list[tuple[float, str, str]] = []  # time, verdict, reason; where it changes
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        daemon.lab.cleanup.callback(self.ending.set)

    def start(self) -> "DnsWatcher":
        self.thread.start()
        return self

    def stop(self) -> None:
        self.ending.set()
        self.thread.join(10)

    def wait_for(self, verdict: str, timeout: float = 30.0) -> float:
        try:
            return wait_until(lambda: self.first.get(verdict), f"{self.domain} {verdict}", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.story()}\n{self.last}") from None

    def story(self) -> str:
        return "\n".join(f"{at:.1f} {verdict}: {reason}" for at, verdict, reason in self.said)

    def _watch(self) -> None:
        while not self.ending.wait(0.1):
            try:
                report = dns_of(self.daemon, self.domain)
            except (OSError, ApiError, ValueError):
                continue  # it is being restarted
            now = time.time()
            for verdict in ORDER[1 : ORDER.index(report["verdict"]) + 1]:
                self.first.setdefault(verdict, now)
            for one in report["gates"]:
                if one["passed"]:
                    self.gates.setdefault(one["name"], now)
            if not self.said or self.said[-1][1:] != (report["verdict"], report["reason"]):
                self.said.append((now, report["verdict"], report["reason"]))
            self.last = report
