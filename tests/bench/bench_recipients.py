"""A recipient file of a million lines: time to load it, memory, and what a reload costs."""

import argparse
import os
import pathlib
import re
import time

from bench_lab import print_machine
from siding_lab import Daemon, Lab, run
from smtp_client import SmtpClient

LOAD_SECONDS_MAX = 1.0
OCTETS_PER_ENTRY_MAX = 64  # of 26 octets of text
DOMAIN = "example.com"


def write_file(path: pathlib.Path, lines: int, first: int = 0) -> None:
    """Put in place in one step, as operators should."""
    draft = path.with_suffix(".new")
    with draft.open("w") as file:
        file.writelines(f"user.number{n:07}@{DOMAIN}\n" for n in range(first, first + lines))
    os.replace(draft, path)


def loads(daemon: Daemon) -> list[int]:
    """Milliseconds of each load so far, of reading, parsing and indexing together."""
    return [int(ms) for ms in re.findall(r"recipients_loaded .*\bms=(\d+)", daemon.log())]


def is_known(daemon: Daemon, recipient: str) -> bool:
    with SmtpClient(daemon.port) as client:
        client.command("EHLO bench.example")
        client.command("MAIL FROM:<ann@sender.example>")
        code = client.command(f"RCPT TO:<{recipient}>").code
    assert code in (250, 550), code
    return code == 250


def wait_known(daemon: Daemon, recipient: str) -> float:
    started = time.monotonic()
    while not is_known(daemon, recipient):
        assert time.monotonic() - started < 30, "the new file never counted"
        time.sleep(0.05)
    return time.monotonic() - started


def daemon_for(lab: Lab, name: str, path: pathlib.Path) -> Daemon:
    config = lab.config()
    config["domains"] = {DOMAIN: {"phase": "hold", "recipients": {"file": str(path)}}}
    return lab.daemon(config, name=name)


def make_story(lines: int):
    def story(lab: Lab) -> None:
        print_machine(lab)
        failures = []

        def figure(what: str, value: float, limit: float, unit: str) -> None:
            verdict = "ok" if value <= limit else "ABOVE"
            print(f"{what:<44} {value:8.3f} {unit} (at most {limit:g}) {verdict}", flush=True)
            if value > limit:
                failures.append(what)

        small, large = lab.directory / "one.txt", lab.directory / "many.txt"
        write_file(small, 1)
        write_file(large, lines)
        # Two daemons, one after the other: the difference is the table's.
        plain = daemon_for(lab, "one", small).start()
        base_kib = plain.memory_kib()
        plain.stop()
        daemon = daemon_for(lab, "many", large).start()
        figure(f"{lines} lines, load at the start", loads(daemon)[0] / 1000, LOAD_SECONDS_MAX, "s")
        octets = (daemon.memory_kib() - base_kib) * 1024 / lines
        figure("memory per entry", octets, OCTETS_PER_ENTRY_MAX, "octets")
        last = f"user.number{lines - 1:07}@{DOMAIN}"
        assert is_known(daemon, last) and not is_known(daemon, f"nobody@{DOMAIN}")

        write_file(large, lines, first=1)
        seconds = wait_known(daemon, f"user.number{lines:07}@{DOMAIN}")
        figure("a new file counts after", seconds, 4.0, "s")
        figure("its load", loads(daemon)[-1] / 1000, LOAD_SECONDS_MAX, "s")
        assert not is_known(daemon, f"user.number{0:07}@{DOMAIN}")
        print(f"RSS after the reload {daemon.memory_kib() / 1024:.0f} MiB", flush=True)
        assert not failures, failures

    return story


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--lines", type=int, default=1_000_000)
run(make_story(parser.parse_args().lines))
