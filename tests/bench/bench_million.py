"""A million held messages of 1 KiB: time to the first 220, memory, the cost of asking for one."""

import argparse
import json
import shutil
import statistics
import time

from bench_lab import print_machine, siding
from postfix_lab import smtp_source
from sample_mail import message
from siding_lab import Daemon, Lab, run
from smtp_client import SmtpClient, send_mail

NEEDLE = "needle@example.com"
RESTART_SECONDS_MAX = 2.0
RSS_MIB_MAX = 300
QUERY_SECONDS_MAX = 0.2


def fill(daemon: Daemon, messages: int, sessions: int) -> None:
    """Recipients are numbered, so that the index is as large as it would be in life."""
    done, step = 0, 100_000
    started = time.monotonic()
    while done < messages:
        part = min(step, messages - done)
        recipient = f"u{done}@example.com"
        smtp_source(daemon.port, part, sessions, 1024, numbered=True, recipient=recipient)
        done += part
        rate = done / (time.monotonic() - started)
        memory = daemon.memory_kib() // 1024
        print(f"  {done} held, {rate:.0f} msgs/s, RSS {memory} MiB", flush=True)


def restart(daemon: Daemon, how: str) -> float:
    """Seconds from exec to the first octets of 220."""
    daemon.kill() if how == "kill -9" else daemon.stop(timeout=300)
    started = time.monotonic()
    daemon.start()
    with SmtpClient(daemon.port) as client:
        assert client.greeting.code == 220
        return time.monotonic() - started


def timed(daemon: Daemon, *arguments: str) -> tuple[float, str]:
    """The median of five; the answer of the last."""
    seconds, out = [], ""
    for _ in range(5):
        started = time.monotonic()
        out = daemon.siding(*arguments).ok().out
        seconds.append(time.monotonic() - started)
    return statistics.median(seconds), out


def make_story(messages: int, sessions: int):
    def story(lab: Lab) -> None:
        print_machine(lab)
        free = shutil.disk_usage(lab.directory).free
        assert free > messages * 6000, f"needs {messages * 6000 >> 30} GiB of disk"
        daemon = siding(lab).start()
        fill(daemon, messages // 2, sessions)
        send_mail(daemon.port, "ann@sender.example", NEEDLE, message("the one"))
        fill(daemon, messages - messages // 2 - 1, sessions)
        held = daemon.api("GET", "/v1/queue/count", state="held")["recipients"]
        assert held == messages, held

        failures = []

        def figure(what: str, value: float, limit: float, unit: str) -> None:
            verdict = "ok" if value <= limit else "ABOVE"
            print(f"{what:<44} {value:8.3f} {unit} (at most {limit:g}) {verdict}", flush=True)
            if value > limit:
                failures.append(what)

        for how in ("SIGTERM", "kill -9"):
            figure(f"{how}, restart to first 220", restart(daemon, how), RESTART_SECONDS_MAX, "s")
        figure("RSS after restart", daemon.memory_kib() / 1024, RSS_MIB_MAX, "MiB")
        seconds, out = timed(daemon, "--json", "queue", "list", "--recipient", NEEDLE)
        assert out.count(NEEDLE) >= 1, out
        figure("queue list --recipient", seconds, QUERY_SECONDS_MAX, "s")
        seconds, out = timed(daemon, "--json", "release", "--dry-run", "--recipient", NEEDLE)
        assert json.loads(out)["recipients"] == 1, out
        figure("release --dry-run --recipient", seconds, QUERY_SECONDS_MAX, "s")
        figure("RSS after the queries", daemon.memory_kib() / 1024, RSS_MIB_MAX, "MiB")
        size = sum(p.stat().st_size for p in lab.directory.rglob("*") if p.is_file())
        print(f"disk: {size / messages:.0f} octets per held message of 1 KiB")
        assert not failures, failures

    return story


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--sessions", type=int, default=64)
    options = parser.parse_args()
    run(make_story(options.messages, options.sessions))
