"""Pass-through beside Postfix as a before-queue relay (smtpd_proxy_filter): the same client, the
same next hop (smtp-sink), one after the other, 50 sessions.

Postfix gives the next hop's verdict and keeps nothing; Siding does the same and syncs one line of
its ledger before each 250."""

import argparse

from bench_lab import LIMITS, print_machine, print_ratio
from bench_load import Load, LoadClient
from postfix_lab import Postfix, SmtpSink
from siding_lab import Daemon, Lab, run

SESSIONS = 50
WANTED_RATE, WANTED_TIME = 2.0, 2.0


def passing_postfix(lab: Lab, sink: SmtpSink) -> Postfix:
    return Postfix(
        lab,
        smtpd_proxy_filter=f"inet:127.0.0.1:{sink.port}",
        smtpd_proxy_timeout="100s",
    )


def passing_siding(lab: Lab, sink: SmtpSink) -> Daemon:
    config = lab.config(
        old=sink.address, domains={"example.com": {"phase": "pass_old"}}, limits=LIMITS
    )
    config["servers"]["old"]["connections"] = SESSIONS
    return lab.daemon(config)


def make_story(messages: int, octets: int, rounds: int):
    def story(lab: Lab) -> None:
        print_machine(lab)
        client = LoadClient(lab)
        behind_postfix, behind_siding = SmtpSink(lab), SmtpSink(lab)
        postfix = passing_postfix(lab, behind_postfix).start()
        daemon = passing_siding(lab, behind_siding).start()

        def measure(port: int) -> Load:
            return client.run(port, SESSIONS, messages, octets, whole=True)

        for port in (postfix.port, daemon.port):
            client.run(port, SESSIONS, max(SESSIONS, messages // 10), octets)
        good = True
        for number in range(1, rounds + 1):
            theirs, ours = measure(postfix.port), measure(daemon.port)
            name = f"pass-through, round {number}"
            good &= print_ratio(name, ours.rate, theirs.rate, WANTED_RATE)
            for part in ("p50_ms", "p99_ms"):
                mine, other = getattr(ours, part), getattr(theirs, part)
                enough = other / mine >= WANTED_TIME
                good &= enough
                print(
                    f"  {part[:3]} of the whole transaction  siding {mine:.1f} ms  postfix"
                    f" {other:.1f} ms  ratio {other / mine:.2f} (wanted {WANTED_TIME:g})"
                    f" {'ok' if enough else 'BELOW'}"
                )
        books = daemon.assert_balanced(held=0, due=0, in_flight=0, parked=0)
        assert books["delivered"] == books["accepted"]
        print(f"siding RSS {daemon.memory_kib() // 1024} MiB; books balance: {books['accepted']}")
        assert good, "below the wanted ratio"

    return story


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--octets", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    run(make_story(options.messages, options.octets, options.rounds))
