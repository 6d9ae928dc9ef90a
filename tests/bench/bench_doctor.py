"""How long `siding doctor` takes for one domain with everything answering, and what it costs."""

import argparse
import resource
import statistics
import time

from bench_lab import print_machine
from doctor_world import DOMAIN, DoctorWorld
from siding_lab import Lab, run

SECONDS_MAX = 10.0


def make_story(options: argparse.Namespace):
    def story(lab: Lab) -> None:
        print_machine(lab)
        scene = DoctorWorld(lab).start()
        took, cpu = [], []
        for _ in range(options.rounds):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            started = time.monotonic()
            done = scene.doctor(DOMAIN, is_json=True)
            took.append(time.monotonic() - started)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            (report,) = done.json()["domains"]
            checks = [one["status"] for one in report["checks"]]
        print(
            f"{len(checks)} checks, {checks.count('not_checked')} not checked:"
            f" {statistics.median(took):.2f} s (slowest {max(took):.2f} s, at most"
            f" {SECONDS_MAX:g}), CPU {statistics.median(cpu) * 1000:.0f} ms"
        )
        assert max(took) <= SECONDS_MAX

    return story


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    run(make_story(parser.parse_args()))
