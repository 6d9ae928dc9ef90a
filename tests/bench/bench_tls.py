"""A new TLS 1.3 handshake for each message: Siding beside Postfix with the same certificate."""

import argparse

from bench_lab import holding_postfix, print_machine, print_ratio, siding
from bench_load import Load, LoadClient, cpu_seconds, median_load
from postfix_lab import Postfix
from siding_lab import Daemon, Lab, run
from test_certificates import make_certificate

WANTED = 1.5
SESSIONS = 64
KEYS = (("ECDSA P-256", "ec"), ("RSA 2048", "rsa"))


def pair_for(lab: Lab, key_type: str) -> tuple[Daemon, Postfix]:
    certificate, key = make_certificate(
        lab.directory / "tls", ["hold.example.net"], key_type=key_type, file=key_type
    )
    postfix = holding_postfix(
        lab,
        name=f"postfix-{key_type}",
        smtpd_tls_security_level="may",
        smtpd_tls_chain_files=f"{key}, {certificate}",
        smtpd_tls_received_header="yes",  # as Siding's
    )
    daemon = siding(
        lab, name=f"siding-{key_type}", tls={"certificate": str(certificate), "key": str(key)}
    )
    return daemon.start(), postfix.start()


class Contestant:
    def __init__(self, server: Daemon | Postfix, client: LoadClient):
        assert server.process
        self.port, self.pid, self.client = server.port, server.process.pid, client
        self.loads: list[Load] = []
        self.seconds = 0.0  # of CPU
        client.run(self.port, 8, 200, fresh=True, tls=True)

    def take(self, messages: int) -> None:
        before = cpu_seconds(self.pid)
        self.loads.append(self.client.run(self.port, SESSIONS, messages, fresh=True, tls=True))
        self.seconds += cpu_seconds(self.pid) - before

    def describe(self, name: str) -> str:
        messages = sum(load.messages for load in self.loads)
        own = sum(load.cpu_seconds for load in self.loads)
        return (
            f"{name}: {self.seconds / messages * 1000:.2f} ms of CPU for each message"
            f" (client {own / messages * 1000:.2f}), p99 {median_load(self.loads, 'p99_ms'):.0f} ms"
        )


def compare(lab: Lab, client: LoadClient, name: str, key_type: str, rounds: int, messages: int):
    daemon, postfix = pair_for(lab, key_type)
    ours, theirs = Contestant(daemon, client), Contestant(postfix, client)
    for _ in range(rounds):
        theirs.take(messages)
        ours.take(messages)
    rates = [median_load(contestant.loads, "rate") for contestant in (ours, theirs)]
    good = print_ratio(name, *rates, WANTED)
    print(f"  {ours.describe('siding')}; {theirs.describe('postfix')}", flush=True)
    total = 200 + rounds * messages
    assert daemon.api("GET", "/v1/queue/count", state="held")["recipients"] == total
    assert postfix.queued("hold") == total
    daemon.stop()
    postfix.stop()
    return good


def make_story(rounds: int, messages: int):
    def story(lab: Lab) -> None:
        print_machine(lab)
        client = LoadClient(lab)
        results = [compare(lab, client, *key, rounds, messages) for key in KEYS]
        assert all(results), "below the wanted ratio"

    return story


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    parser.add_argument("--messages", type=int, default=6_000)
    options = parser.parse_args()
    run(make_story(options.rounds, options.messages))
