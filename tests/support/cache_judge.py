"""What caches really serve, second by second: the judge of whoever claims to know.

    judge = CacheJudge(world, "cutover.test", old={"10 mx.old.test"})
    judge.start()
    …
    judge.stop()
    judge.last_old          {"plain": 1795341362.1, …}: the newest question that got an old answer
"""

import threading
import time

from dns_world import DnsWorld
from siding_lab import Lab, wait_until

PERIOD_SECONDS = 0.1


class CacheJudge:
    def __init__(self, lab: Lab, world: DnsWorld, domain: str, old: set[str]):
        self.world, self.domain, self.old = world, domain, old
        self.last_old: dict[str, float] = {}
        self.first_new: dict[str, float] = {}  # behind the last old one
        self.asked = dict.fromkeys(world.caches, 0)
        self.ending = threading.Event()
        self.threads = [
            threading.Thread(target=self._watch, args=(name,), daemon=True)
            for name in world.caches
        ]
        lab.cleanup.callback(self.ending.set)

    def start(self) -> "CacheJudge":
        for thread in self.threads:
            thread.start()
        wait_until(lambda: len(self.last_old) == len(self.asked), "every cache has the old MX")
        return self

    def stop(self) -> None:
        self.ending.set()
        for thread in self.threads:
            thread.join(10)

    def holding(self) -> list[str]:
        """The caches whose newest answer was old."""
        return [name for name in self.asked if name not in self.first_new]

    def wait_all_new(self, timeout: float) -> None:
        wait_until(lambda: not self.holding(), "the last cache lets go", timeout)

    def _watch(self, name: str) -> None:
        while not self.ending.wait(PERIOD_SECONDS):
            asked_at = time.time()
            answer = self.world.ask(name, self.domain, "MX")
            self.asked[name] += 1
            if answer is None or answer.rcode != "NOERROR":
                continue
            if set(answer.data("MX")) & self.old:
                self.last_old[name] = asked_at
                self.first_new.pop(name, None)
            else:
                self.first_new.setdefault(name, time.time())
