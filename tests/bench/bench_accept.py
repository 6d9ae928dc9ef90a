"""Accept and hold: Siding beside Postfix that holds, same machine, same run, same smtp-source.

Siding takes part twice: as it comes, and with everything on that a listener on the open Internet
has without TLS: a recipient file of 100,000 lines and a count of each client's rates.
"""

import argparse
import pathlib
import re
import signal
import statistics

from bench_lab import LIMITS, holding_postfix, print_machine, print_ratio, siding
from postfix_lab import Postfix, smtp_source
from siding_lab import Daemon, Lab, program, run, wait_until

# name, octets, sessions, messages, wanted ratio
ROWS = (
    ("4 KiB x 64 sessions", 4096, 64, 12_000, 3.0),
    ("4 KiB x 1 session", 4096, 1, 2_000, 1.0),
    ("100 kB x 64 sessions", 100_000, 64, 3_000, 1.0),
)


RECIPIENTS = 100_000


def everything_on(lab: Lab) -> Daemon:
    recipients = lab.directory / "recipients"
    with recipients.open("w") as file:
        file.writelines(f"user.number{n:06}@example.com\n" for n in range(RECIPIENTS - 1))
        file.write("bob@example.com\n")
    domains = {"example.com": {"phase": "hold", "recipients": {"file": str(recipients)}}}
    rates = ("connection_rate", "message_rate", "recipient_rate")
    limits = LIMITS | dict.fromkeys(rates, 1_000_000)
    return siding(lab, name="everything", domains=domains, limits=limits)


def rate(port: int, messages: int, sessions: int, size: int) -> float:
    return messages / smtp_source(port, messages, sessions, size)


def count_syncs(lab: Lab, daemon: Daemon, sessions: int, messages: int) -> int:
    """fdatasync and fsync calls of the daemon while it takes `messages`, by strace -c."""
    assert daemon.process
    table = lab.directory / f"syncs.{sessions}"
    tracer = lab.start_process(
        program("strace"), "-c", "-f", "-e", "trace=fdatasync,fsync", "-o", str(table),
        "-p", str(daemon.process.pid), stderr=(lab.directory / "strace.err").open("wb"),
    )  # fmt: skip
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status")
    wait_until(lambda: "TracerPid:\t0\n" not in status.read_text(), "strace is attached")
    smtp_source(daemon.port, messages, sessions, 4096)
    tracer.send_signal(signal.SIGINT)
    tracer.wait(30)
    # "% time, seconds, usecs/call, calls, errors, syscall"
    row = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s.*\b(?:fdatasync|fsync)$", re.M)
    return sum(map(int, row.findall(table.read_text())))


def held_exactly(daemon: Daemon, postfix: Postfix, count: int) -> None:
    """Both did the whole job: nothing refused, nothing dropped."""
    assert daemon.api("GET", "/v1/queue/count", state="held")["recipients"] == count
    assert postfix.queued("hold") == count, postfix.queued("hold")


def make_story(rounds: int, scale: float):
    def story(lab: Lab) -> None:
        print_machine(lab)
        postfix = holding_postfix(lab).start()
        daemon = siding(lab).start()
        hardened = everything_on(lab).start()
        for port in (daemon.port, hardened.port, postfix.port):
            smtp_source(port, 200, 8)
        total = 200
        good = True
        for name, size, sessions, messages, wanted in ROWS:
            messages = max(sessions, int(messages * scale))
            rates: dict[int, list[float]] = {postfix.port: [], daemon.port: [], hardened.port: []}
            order = list(rates)
            for _ in range(rounds):
                for port in order:
                    rates[port].append(rate(port, messages, sessions, size))
                total += messages
                order.append(order.pop(0))  # nobody always inherits the same one's dirty pages
            theirs, ours, all_on = (statistics.median(measured) for measured in rates.values())
            good &= print_ratio(name, ours, theirs, wanted)
            good &= print_ratio("  with everything on", all_on, theirs, wanted)
        held_exactly(daemon, postfix, total)
        held_exactly(hardened, postfix, total)
        print(f"{total} messages held by each; siding RSS {daemon.memory_kib() // 1024} MiB")

        per_message = []
        for sessions, messages in ((1, 200), (64, 3_000)):
            syncs = count_syncs(lab, daemon, sessions, messages)
            per_message.append(syncs / messages)
            print(
                f"syncs: {sessions:2} sessions, {messages} messages: {syncs} fdatasync+fsync,"
                f" {syncs / messages:.2f} per message"
            )
        assert per_message[0] >= 1, "every 250 is synced"
        assert per_message[1] < per_message[0], "syncs grow slower than messages"
        daemon.assert_balanced(held=total + 3_200)
        assert good, "below the wanted ratio"

    return story


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of messages")
    options = parser.parse_args()
    run(make_story(options.rounds, options.scale))
