#!/usr/bin/env python3
"""Checks what the compiler does not: layers, walled-in libraries, bare TODOs, banned calls.

File and function sizes are reported, never enforced. `tidy.py --self-test` checks the checks.
"""

import re
import subprocess
import sys
from pathlib import Path

LAYERS = {
    "base": 0, "config": 1, "net": 1, "systemd": 1, "dns": 2, "smtp": 2, "queue": 2,
    "relay": 3, "backfill": 3, "cutover": 4, "control": 5, "cli": 6,
}
# systemd/ needs base alone; siblings never include each other.

# Library header → the modules that may include it (docs/architecture.md, dependency table).
WALLS = {
    r"rocksdb/": {"queue", "backfill"},
    r"queue/records\.pb\.h": {"queue"},
    r"google/protobuf/": {"queue", "backfill"},
    r"backfill/ledger_records\.pb\.h": {"backfill"},
    r"ares\.h": {"dns"},
    r"libpsl\.h": {"dns"},
    r"zlib\.h": {"cutover", "net"},
    r"zstd\.h": {"backfill"},
    r"yaml-cpp/": {"config"},
    r"openssl/ssl\.h": {"net"},
    r"boost/beast": {"net"},
    r"CLI/": {"cli"},
    r"systemd/sd-": {"systemd"},
    r"spdlog/": {"base"},
    r"prometheus/": {"base"},
}
PURE_MODULES = {"smtp"}
PURE_FILES = re.compile(r"(_dialogue|_state|router|retry|plan)\.(hpp|cpp)$")

BANNED = {
    r"\bco_spawn\([^;]*\bdetached\b": "spawn through net::TaskGroup",
    r"\b(u|nano)?sleep\(": "wait for an event",
    r"\bthis_thread::sleep_": "wait for an event",
    r"\busing namespace (?!std::chrono_literals)": "name what you use",
    r"\bstd::exit\(": "return from main",
}
# file:pattern → the reason is a comment at the call.
ALLOWED = {
    ("queue/rocks_safety.cpp", r"\bthis_thread::sleep_"),  # a write stall, on a blocking thread
    ("cutover/audit.cpp", r"\bthis_thread::sleep_"),  # a live queue settles, on a blocking thread
}

INCLUDE = re.compile(r'^#include "([a-z]+)/')
ANY_INCLUDE = re.compile(r'^#include [<"]([^>"]+)[>"]')


def check_file(path: str, text: str) -> list[str]:
    problems = []
    module = path.split("/", 1)[0]
    layer = LAYERS.get(module)
    is_pure = module in PURE_MODULES or (layer is not None and PURE_FILES.search(path))
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{path}:{number}"
        included = INCLUDE.match(line)
        if layer is not None and included and included[1] != module:
            other = LAYERS.get(included[1])
            if other is None or other >= layer:
                problems.append(f"{where}: layer: {module}/ must not include {included[1]}/")
        header = ANY_INCLUDE.match(line)
        if header and layer is not None:
            for pattern, modules in WALLS.items():
                if re.match(pattern, header[1]) and module not in modules:
                    problems.append(f"{where}: wall: <{header[1]}> belongs in {sorted(modules)}")
            if is_pure and header[1].startswith("boost/asio"):
                problems.append(f"{where}: pure files include no Asio")
        if re.search(r"\bTODO\b(?!\(#\d+\) )", line):
            problems.append(f"{where}: a TODO names its issue: TODO(#nn) RFC …")
        if layer is not None:
            for pattern, instead in BANNED.items():
                if (path, pattern) not in ALLOWED and re.search(pattern, line):
                    problems.append(f"{where}: banned call; {instead}")
    return problems


def report_sizes(files: dict[str, str]) -> None:
    sizes = sorted(len(text.splitlines()) for path, text in files.items() if path[0:5] != "tests")
    if sizes:
        print(
            f"{len(sizes)} files, lines: median {sizes[len(sizes) // 2]}, "
            f"p90 {sizes[len(sizes) * 9 // 10]}, max {sizes[-1]}"
        )


def self_test() -> list[str]:
    cases = [
        ("smtp/reply.cpp", '#include "queue/store.hpp"\n', 1),
        ("relay/lane.cpp", '#include "queue/store.hpp"\n', 0),
        ("queue/filter.cpp", '#include "smtp/reply.hpp"\n', 1),
        ("relay/router.cpp", "#include <boost/asio/post.hpp>\n", 1),
        ("relay/lane.cpp", "#include <rocksdb/db.h>\n", 1),
        ("relay/lane.cpp", "// TODO later\n", 1),
        ("relay/lane.cpp", "// TODO(#3) RFC 3030: BDAT\n", 0),
        ("relay/lane.cpp", "asio::co_spawn(executor, task(), asio::detached);\n", 1),
        ("relay/lane.cpp", "std::this_thread::sleep_for(1s);\n", 1),
    ]
    return [
        f"self-test: {path} {text!r}: expected {expected} problems"
        for path, text, expected in cases
        if len(check_file(path, text)) != expected
    ]


def main() -> int:
    problems = self_test()
    if sys.argv[1:] != ["--self-test"]:
        listed = subprocess.run(
            ["git", "ls-files", "*.cpp", "*.hpp"], check=True, capture_output=True, text=True
        ).stdout.split()
        files = {path: Path(path).read_text(encoding="utf-8") for path in listed if Path(path).exists()}
        for path, text in files.items():
            problems += check_file(path, text)
        report_sizes(files)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
