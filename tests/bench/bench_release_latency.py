"""Release of held mail over a long line: 20 ms each way, equal connections, Postfix beside Siding.

The next hop is smtp-sink (PIPELINING) and then Postfix (PIPELINING and CHUNKING), which takes each
message and throws it away."""

import argparse
import time

from bench_lab import LIMITS, print_machine, print_ratio
from delay_proxy import DelayProxy
from postfix_lab import Postfix, SmtpSink, smtp_source
from siding_lab import Daemon, Lab, run, wait_until

EACH_WAY = 0.020
WANTED = {"smtp-sink": 1.8, "postfix": 10.0}


class DiscardingPostfix(Postfix):
    """A next hop that offers CHUNKING, says 250 and keeps nothing."""

    def __init__(self, lab: Lab, name: str):
        super().__init__(lab, name, smtpd_end_of_data_restrictions="check_client_access static:DISCARD")

    def taken(self) -> int:
        return self.log().count("END-OF-MESSAGE: ")


def holding_postfix(lab: Lab, new: str, connections: int, name: str) -> Postfix:
    count = str(connections)
    return Postfix(
        lab,
        name,
        smtpd_client_restrictions="static:HOLD",
        relayhost="[127.0.0.1]:" + new.rpartition(":")[2],
        initial_destination_concurrency=count,
        default_destination_concurrency_limit=count,
        smtp_destination_concurrency_limit=count,
        relay_destination_concurrency_limit=count,
        # Connections are used again as soon as there is a backlog, as by default.
        smtp_connection_reuse_time_limit="300s",
        smtp_connection_cache_destinations="127.0.0.1",
    )


def siding(lab: Lab, new: str, connections: int, name: str) -> Daemon:
    config = lab.config(name=name, limits=LIMITS)
    config["servers"]["new"] = {"address": new, "connections": connections, "profile": "postfix"}
    return lab.daemon(config, name)


def time_release(start, done) -> float:
    started = time.monotonic()
    start()
    wait_until(done, "all is released", 1800)
    return time.monotonic() - started


def compare(lab: Lab, kind: str, messages: int, connections: int) -> bool:
    """Both through the same line to a next hop of the same kind."""

    def target(name: str):
        hop = SmtpSink(lab) if kind == "smtp-sink" else DiscardingPostfix(lab, name).start()
        line = DelayProxy(hop.address, EACH_WAY)
        lab.cleanup.callback(line.stop)
        return line.address

    postfix = holding_postfix(
        lab, target(f"{kind}-behind-postfix"), connections, f"hold-{kind}"
    ).start()
    daemon = siding(lab, target(f"{kind}-behind-siding"), connections, f"siding-{kind}").start()
    for port in (postfix.port, daemon.port):
        # One recipient each, so that nobody's order of mail is in the way.
        smtp_source(port, messages, 20, 4096, recipient="bob@example.com", numbered=True)
    assert postfix.queued("hold") == messages
    daemon.assert_balanced(held=messages)

    def flush_postfix() -> None:
        postfix.tool("postsuper", "-H", "ALL")
        postfix.tool("postqueue", "-f")

    theirs = time_release(flush_postfix, lambda: postfix.queued() == 0)
    postfix.stop()
    ours = time_release(
        lambda: daemon.siding("release", "--to", "new").ok(),
        lambda: daemon.api("GET", "/v1/status")["queue"]["delivered"] == messages,
    )
    name = f"{messages} x 4 KiB to {kind}, {connections} connections, {EACH_WAY * 1000:.0f} ms"
    good = print_ratio(name, messages / ours, messages / theirs, WANTED[kind])
    daemon.assert_balanced(delivered=messages, held=0, parked=0)
    daemon.stop()
    return good


def make_story(messages: int, only: str | None):
    def story(lab: Lab) -> None:
        print_machine(lab)
        good = True
        for kind, connections in (("smtp-sink", 20), ("postfix", 5)):
            if only in (None, kind):
                good &= compare(lab, kind, messages, connections)
        assert good, "below the wanted ratio"

    return story


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--only", choices=list(WANTED))
    options = parser.parse_args()
    run(make_story(options.messages, options.only))
