"""What the watch over 200 domains costs: CPU of the daemon, near a switch and far from it.

Three NSD serve all zones, two Unbound are the panel; half of the domains have switched."""

import argparse
import os
import pathlib
import time

from bench_lab import print_machine
from dns_world import DnsWorld
from siding_lab import Daemon, Lab, run, wait_until

CORE_SHARE_MAX = 0.02
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(daemon: Daemon) -> float:
    assert daemon.process
    fields = pathlib.Path(f"/proc/{daemon.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def watched(daemon: Daemon) -> int:
    return sum(bool(one["watched_at"]) for one in daemon.api("GET", "/v1/dns")["domains"])


def share_of_core(daemon: Daemon, seconds: float) -> float:
    before = cpu_seconds(daemon)
    time.sleep(seconds)
    return (cpu_seconds(daemon) - before) / seconds


def measure(lab: Lab, world: DnsWorld, names: list[str], pace: str, options) -> float:
    """The share of a core that the watch takes; an empty `pace` is no watch."""
    mx = {"new": ["hold.siding.test"], "old": ["mx.old.test"]}
    domains = {name: {"phase": "hold", "mx": mx} for name in names}
    dns = world.settings("one", panel=str(world.panel()), enabled=bool(pace))
    if pace:
        dns |= {"watch": pace, "watch_near": "20s"}
    name = f"watch-{pace or 'off'}"
    daemon = lab.daemon(lab.config(name=name, domains=domains, dns=dns), name).start()
    started = time.monotonic()
    if pace:
        wait_until(lambda: watched(daemon) == len(names), "every domain is looked at", 600)
        print(f"  first look at all of them took {time.monotonic() - started:.1f} s")
    share = share_of_core(daemon, options.seconds)
    memory = daemon.memory_kib() // 1024
    said = f"a look every {pace}" if pace else "no watch"
    print(f"{len(names)} domains, {said}: {share * 100:.2f} % of a core, RSS {memory} MiB")
    daemon.stop()
    return share


def make_story(options: argparse.Namespace):
    def story(lab: Lab) -> None:
        print_machine(lab)
        world = DnsWorld(lab)
        names = [f"domain-{number}.test" for number in range(options.domains)]
        for number, name in enumerate(names):
            host = "hold.siding.test" if number % 2 else "mx.old.test"
            world.zone(name, f"@ 300 MX 10 {host}.\n")
        for name in ("one", "two"):
            world.recursive(name)
        world.start()
        idle = measure(lab, world, names, "", options)
        shares = {pace: measure(lab, world, names, pace, options) - idle for pace in ("20s", "5m")}
        for pace, share in shares.items():
            verdict = "ok" if share <= CORE_SHARE_MAX else "ABOVE"
            print(
                f"the watch, a look every {pace}: {share * 100:.2f} % of a core"
                f" (at most {CORE_SHARE_MAX * 100:g}) {verdict}"
            )
        assert max(shares.values()) <= CORE_SHARE_MAX, shares

    return story


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domains", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=60, help="of each measurement")
    run(make_story(parser.parse_args()))
