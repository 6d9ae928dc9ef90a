"""Release of held mail to smtp-sink: Siding beside Postfix (postsuper -H ALL, postqueue -f)."""

import argparse
import time

from bench_lab import CONNECTIONS, holding_postfix, print_machine, print_ratio, siding
from postfix_lab import Postfix, SmtpSink, smtp_source
from siding_lab import Daemon, Lab, binaries, end_process, run, wait_until

WANTED = 2.0


def release_postfix(postfix: Postfix, sink: SmtpSink) -> float:
    started = time.monotonic()
    postfix.tool("postsuper", "-H", "ALL")
    postfix.tool("postqueue", "-f")
    return sink.wait_done(1800) - started


def release_siding(lab: Lab, daemon: Daemon, sink: SmtpSink) -> float:
    started = time.monotonic()
    command = lab.start_process(
        *(str(binaries() / "siding"), "--socket", daemon.socket_path),
        *("release", "--to", "new", "--wait"),
    )
    seconds = sink.wait_done(1800) - started
    end_process(command)
    return seconds




def make_story(messages: int):
    def story(lab: Lab) -> None:
        print_machine(lab)
        to_postfix, to_siding = SmtpSink(lab, messages), SmtpSink(lab, messages)
        postfix = holding_postfix(lab, to_postfix.address).start()
        daemon = siding(lab, to_siding.address).start()
        smtp_source(postfix.port, messages, 64, 4096)
        smtp_source(daemon.port, messages, 64, 4096)
        assert postfix.queued("hold") == messages
        daemon.assert_balanced(held=messages)

        theirs = messages / release_postfix(postfix, to_postfix)
        wait_until(lambda: postfix.queued("active", "hold") == 0, "Postfix is done", 120)
        postfix.stop()
        ours = messages / release_siding(lab, daemon, to_siding)
        good = print_ratio(f"release of {messages} x 4 KiB", ours, theirs, WANTED)
        print(f"{CONNECTIONS} connections each; siding RSS {daemon.memory_kib() // 1024} MiB")
        assert good, "below the wanted ratio"

    return story


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    options = parser.parse_args()
    run(make_story(options.messages))
