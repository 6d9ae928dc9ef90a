"""A sync that fails: no 250 after it, the daemon ends, and after a restart every promise is kept.

    crash_eio.py --when 1 --when 7 --when 3+

strace makes the n-th fdatasync of each thread answer EIO; with a plus sign all later ones too.
"""

import argparse
import pathlib
import re
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from load import Load
from oracle import Oracle
from siding_lab import Daemon, Lab, Skip, end_process, program, run, wait_until

DOMAIN = "example.com"


def attach(lab: Lab, daemon: Daemon, when: str, trace: pathlib.Path):
    """strace on the running daemon, all its threads."""
    assert daemon.process
    tracer = lab.start_process(
        program("strace"), "-f", "-ttt", "-o", str(trace), "-e", "trace=fdatasync",
        "-e", f"inject=fdatasync:error=EIO:when={when}", "-p", str(daemon.process.pid),
    )  # fmt: skip
    return tracer


def failed_at(trace: pathlib.Path) -> float:
    """When the first fdatasync was made to fail."""
    for line in trace.read_text().splitlines():
        found = re.match(r"\d+\s+(\d+\.\d+) .*INJECTED", line)
        if found:
            return float(found.group(1))
    raise AssertionError(f"nothing was injected:\n{trace.read_text()[-2000:]}")


def one_failure(lab: Lab, daemon: Daemon, oracle: Oracle, when: str, serial: int) -> None:
    load = Load(daemon, oracle, [DOMAIN], f"eio{serial}")
    load.start()
    before = oracle.acknowledged()
    wait_until(lambda: oracle.acknowledged() > before + 20, "mail flows")
    release = threading.Thread(target=try_release, args=(daemon,), daemon=True)
    release.start()
    trace = lab.directory / f"strace.{serial}"
    tracer = attach(lab, daemon, when, trace)
    try:
        code = daemon.wait_exit(60)
    finally:
        load.up.clear()
    oracle.crashed(time.time())
    end_process(tracer)
    load.stop()
    release.join(60)
    assert code != 0, "it must not look like a clean end"

    failure = failed_at(trace)
    broken = [
        mail_id
        for mail_id, mail in oracle.mails.items()
        if mail.fate == "ACK" and mail.dot_sent_at > failure
    ]
    late = [m for m in oracle.mails.values() if m.dot_sent_at > failure]
    assert not broken, f"250 after the failed sync: {broken[:10]}"
    print(f"when={when}: exit {code}, {len(late)} final dots after the failure, none got 250")


def try_release(daemon: Daemon) -> None:
    try:
        daemon.api("POST", "/v1/releases", {"filter": {"limit": 10}, "to": "new", "dry_run": False})
    except Exception:  # noqa: BLE001 - the daemon may be gone before it answers
        pass


def make_story(whens: list[str]):
    def story(lab: Lab) -> None:
        check_strace(lab)
        oracle = Oracle(lab.directory / "oracle")
        lab.cleanup.callback(oracle.close)
        new = lab.sink(keep=False, on_delivery=oracle.arrived)
        daemon = lab.daemon(lab.config(new=new))
        # LeakSanitizer stops threads by the same means as strace: only one of them can.
        daemon.environment["ASAN_OPTIONS"] = "detect_leaks=0"
        for serial, when in enumerate(whens):
            daemon.start()
            one_failure(lab, daemon, oracle, when, serial)
        daemon.start()
        daemon.siding("audit", "--deep").ok()
        daemon.release()
        wait_until(lambda: daemon.audit(False)["due"] == 0, "nothing is due")
        found = oracle.judge()
        print(found)
        assert found.good, found.evidence()
        daemon.assert_balanced(held=0, due=0, in_flight=0, parked=0)

    return story


def check_strace(lab: Lab) -> None:
    probe = lab.run(program("strace"), "-e", "trace=none", "true")
    if probe.code != 0:
        raise Skip(f"strace cannot trace here: {probe.err.strip()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--when", action="append", help="1, 7, 3+ …; may be repeated")
    options = parser.parse_args()
    run(make_story(options.when or ["1", "2", "9", "4+"]))
