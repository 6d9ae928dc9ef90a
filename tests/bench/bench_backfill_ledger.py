"""The backfill's ledger with a million messages in one mailbox, and the digests of messages.

Each message is recorded twice, as an intent and as copied, in batches of 128 with one sync each.
"""

import argparse
import pathlib
import subprocess

from bench_lab import ROOT, print_machine
from siding_lab import Lab, binaries, run

WANTED = {  # name: (bound, at most or at least)
    "record_ms_median": (10.0, "at most"),
    "disk_mib": (400.0, "at most"),
    "open_and_totals_ms": (1000.0, "at most"),
    "rss_mib_peak": (100.0, "at most"),
    "walk_rows_per_second": (333_000.0, "at least"),  # known messages in 3 s
    "digest_mb_per_second": (300.0, "at least"),
}


def build(lab: Lab) -> pathlib.Path:
    """The program, from the libraries of the build that is measured."""
    libraries = binaries().parent
    program = lab.directory / "backfill_ledger"
    source = pathlib.Path(__file__).with_name("backfill_ledger.cpp")
    command = [
        "c++", "-std=c++20", "-O2", f"-I{ROOT}", str(source), "-o", str(program),
        *(str(libraries / name / f"libsiding_{name}.a") for name in ("backfill", "queue", "base")),
        "-lrocksdb", "-lprotobuf-lite", "-lxxhash", "-lidn2", "-lcrypto", "-lspdlog", "-lfmt",
        "-lprometheus-cpp-core", "-lpthread",
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=300)
    return program


def story(lab: Lab) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    print_machine(lab)
    done = subprocess.run(
        [str(build(lab)), str(lab.directory / "ledger"), str(options.rows)],
        capture_output=True, timeout=1800, check=True, text=True,
    )  # fmt: skip
    missed = []
    for line in done.stdout.splitlines():
        name, value = line.split()
        verdict = ""
        if name in WANTED:
            bound, side = WANTED[name]
            ok = float(value) <= bound if side == "at most" else float(value) >= bound
            verdict = f" ({side} {bound:g}): {'ok' if ok else 'MISSED'}"
            missed += [] if ok else [name]
        print(f"{name} {float(value):,.1f}{verdict}")
    assert not missed, missed


if __name__ == "__main__":
    run(story)
