"""Ten thousand idle connections: memory of each, and what 200 busy sessions beside them notice."""

import argparse
import statistics

from bench_lab import print_machine
from bench_load import Crowd, LoadClient, allow_descriptors, median_load
from siding_lab import Daemon, Lab, run
from test_certificates import make_certificate

KIB_PER_CONNECTION_MAX = 24
SLOWER_MAX = 2.0
SESSIONS = 200


def daemon_for(lab: Lab, name: str) -> Daemon:
    certificate, key = make_certificate(lab.directory / "tls", ["hold.example.net"])
    config = lab.config(name=name, tls={"certificate": str(certificate), "key": str(key)})
    # Below `limits.stress`, or idle connections would soon be told to go.
    config["limits"] = {"connections": 20_000}
    return lab.daemon(config, name)


class Report:
    def __init__(self) -> None:
        self.missed: list[str] = []

    def figure(self, what: str, value: float, limit: float, unit: str) -> None:
        verdict = "ok" if value <= limit else "ABOVE"
        print(f"{what:<52} {value:8.2f} {unit} (at most {limit:g}) {verdict}", flush=True)
        if value > limit:
            self.missed.append(what)


def busy(client: LoadClient, daemon: Daemon, rounds: int, messages: int) -> tuple[float, float]:
    """Messages per second, and p99 of the answer to the end of data."""
    loads = [client.run(daemon.port, SESSIONS, messages) for _ in range(rounds)]
    return median_load(loads, "rate"), median_load(loads, "p99_ms")


def measure(
    lab: Lab, client: LoadClient, report: Report, name: str, options, **crowd: bool
) -> None:
    daemon = daemon_for(lab, name.replace(" ", "-").replace(",", "")).start()
    busy(client, daemon, 1, options.messages)  # what grows once has grown
    alone = [busy(client, daemon, options.rounds, options.messages)]
    before = daemon.memory_kib()
    with Crowd(daemon, options.connections, **crowd) as idle:
        kib = (daemon.memory_kib() - before) / options.connections
        report.figure(f"{name}: RSS of each", kib, KIB_PER_CONNECTION_MAX, "KiB")
        with_crowd = busy(client, daemon, options.rounds, options.messages)
        idle.check_alive()
        in_all = daemon.memory_kib() // 1024
    # The machine is as fast as it is now: half of the rounds before, half behind.
    alone.append(busy(client, daemon, options.rounds, options.messages))
    rate, p99 = (statistics.mean(column) for column in zip(*alone))
    print(
        f"  {SESSIONS} sessions: {rate:.0f} msgs/s, p99 {p99:.1f} ms alone;"
        f" {with_crowd[0]:.0f} msgs/s, p99 {with_crowd[1]:.1f} ms beside the crowd"
        f" (RSS of all {in_all} MiB)"
    )
    report.figure(f"{name}: p99 of end of data, ratio", with_crowd[1] / p99, SLOWER_MAX, "x")
    daemon.stop()


def make_story(options: argparse.Namespace):
    def story(lab: Lab) -> None:
        allow_descriptors(options.connections + 2_000)
        print_machine(lab)
        client, report = LoadClient(lab), Report()
        measure(lab, client, report, "idle after EHLO", options)
        measure(lab, client, report, "idle after a message", options, message=True)
        name = "idle in TLS, after a message"
        measure(lab, client, report, name, options, tls=True, message=True)
        assert not report.missed, report.missed

    return story


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--messages", type=int, default=10_000, help="of each round")
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    run(make_story(parser.parse_args()))
