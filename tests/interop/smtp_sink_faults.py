"""smtp-sink(1) with its faults: refusals, hang-ups and delays at every command.

Whatever it does, mail is delivered, waits or is parked, and the books balance."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import message
from siding_lab import Lab, end_process, free_port, listens, program, run, wait_until
from smtp_client import SmtpClient

COUNT = 20
# What it is told to do, and where the mail is while it does it.
FAULTS = [
    (["-r", "connect"], "due"),
    (["-r", "ehlo,helo"], "due"),
    (["-r", "mail"], "due"),
    (["-r", "rcpt"], "due"),
    (["-r", "data"], "due"),
    (["-r", "."], "due"),
    (["-f", "connect"], "due"),  # about the session: says nothing about the mail
    (["-f", "mail"], "parked"),
    (["-f", "rcpt"], "parked"),
    (["-f", "."], "parked"),
    (["-q", "connect"], "due"),
    (["-q", "mail"], "due"),
    (["-q", "rcpt"], "due"),
    (["-q", "data"], "due"),
    (["-q", "."], "due"),  # in doubt
    (["-Q", "mail"], "due"),
    (["-Q", "rcpt"], "due"),
    (["-Q", "data"], "due"),
    (["-Q", "."], "due"),
    (["-A", "0"], "parked"),
]


class FaultySink:
    def __init__(self, lab: Lab, port: int, *options: str):
        self.port = port
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        command = [program("smtp-sink"), "-4", *user, *options, f"127.0.0.1:{port}", "100"]
        self.process = lab.start_process(*command)
        wait_until(lambda: listens(port), "smtp-sink listens")

    def stop(self) -> None:
        end_process(self.process)


def story(lab: Lab) -> None:
    port = free_port()
    config = lab.config(retry={"schedule": ["1s"]})
    config["servers"]["new"] = {"address": f"127.0.0.1:{port}", "connections": 4}
    daemon = lab.daemon(config).start()
    sent = 0
    for options, state in FAULTS:
        name = "".join(c if c.isalnum() else "_" for c in "".join(options))
        with SmtpClient(daemon.port) as client:
            client.ehlo()
            for number in range(COUNT):
                reply = client.transact(
                    "ann@sender.example", [f"{name}.{number}@example.com"], message(name)
                )
                assert reply.code == 250, reply
        sent += COUNT
        sink = FaultySink(lab, port, *options)
        daemon.siding("release", "--to", "new").ok()

        def has_happened() -> bool:
            rows = daemon.rows()
            if len(rows) != COUNT:  # one moved while the pages were read
                return False
            tried = [row for row in rows if row["last_reply"]]
            return len(tried) > 0 and (state == "due" or all(r["state"] == state for r in rows))

        wait_until(has_happened, f"smtp-sink {' '.join(options)} was met", 60)
        doubtful = [row for row in daemon.rows() if row["maybe_delivered"]]
        assert bool(doubtful) == (options == ["-q", "."]), f"{options}: {doubtful[:3]}"
        sink.stop()
        # It behaves again: all of it leaves.
        good = FaultySink(lab, port)
        if state == "parked":
            daemon.siding("release", "--parked", "--to", "new").ok()
        wait_until(lambda: not daemon.rows(), f"all has left after {options}", 90)
        good.stop()
        daemon.assert_balanced(accepted=sent, delivered=sent, held=0, due=0, parked=0)


run(story)
