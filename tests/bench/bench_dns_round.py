"""A full round of the DNS watch: 3 authoritative servers and 23 resolvers with 4 samples each.

One NSD plays all of them, on addresses of their own; two resolvers of the second run never answer.
"""

import argparse
import pathlib
import re
import socket
import statistics
import subprocess

from bench_lab import ROOT, print_machine
from siding_lab import Lab, binaries, free_port, program, run, wait_until

CPU_MS_MAX = 5.0
TIMEOUT_MS = 3000.0  # of a resolver's answer
OPERATORS = 23
ZONE = """\
$ORIGIN {origin}
$TTL 300
@ SOA ns1.zone.test. hostmaster.zone.test. 1 3600 600 86400 60
"""
ROOT_RECORDS = "@ NS root.test.\nroot.test. A 127.30.0.1\n" + "".join(
    f"zone.test. NS ns{n}.zone.test.\nns{n}.zone.test. A 127.30.0.{n + 1}\n" for n in (1, 2, 3)
)
RECORDS = "@ MX 10 hold.test.\n" + "".join(
    f"@ NS ns{n}\nns{n} A 127.30.0.{n + 1}\n" for n in (1, 2, 3)
)
NSD = """\
server:
{addresses}
  do-ip6: no
  server-count: 1
  tcp-count: 400
  username: ""
  chroot: ""
  database: ""
  pidfile: ""
  xfrdfile: ""
  xfrdir: "{root}"
  zonesdir: "{root}"
  zonelistfile: "{root}/list"
  logfile: "{root}/log"
remote-control:
  control-enable: no
zone:
  name: "{zone}"
  zonefile: "{file}"
"""


def serve(lab: Lab, port: int, name: str, zone: str, records: str, hosts: list[str]) -> None:
    directory = lab.directory / name
    directory.mkdir()
    origin = zone if zone == "." else f"{zone}."
    (directory / "zone").write_text(ZONE.format(origin=origin) + records)
    addresses = "\n".join(f"  ip-address: {host}@{port}" for host in hosts)
    config = directory / "conf"
    config.write_text(NSD.format(addresses=addresses, root=directory, zone=zone, file="zone"))
    lab.start_process(
        program("nsd"), "-d", "-c", str(config),
        stdout=subprocess.DEVNULL, stderr=(directory / "err").open("wb"),
    )  # fmt: skip


def build(lab: Lab) -> pathlib.Path:
    """The client, from the libraries of the build that is measured."""
    libraries = binaries().parent
    client = lab.directory / "dns_round"
    command = [
        "c++", "-std=c++20", "-O2", "-DBOOST_ASIO_SEPARATE_COMPILATION",
        "-DBOOST_ASIO_NO_DEPRECATED", "-DBOOST_BEAST_SEPARATE_COMPILATION", f"-I{ROOT}",
        str(pathlib.Path(__file__).with_name("dns_round.cpp")), "-o", str(client),
        *(str(libraries / name / f"libsiding_{name}.a") for name in ("dns", "net", "base")),
        "-lcares", "-lpsl", "-lidn2", "-lssl", "-lcrypto", "-lz", "-lspdlog", "-lfmt",
        "-lprometheus-cpp-core", "-lpthread",
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=300)
    return client


def story(lab: Lab) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    print_machine(lab)
    port = free_port()
    resolvers = [f"127.30.1.{n + 1}" for n in range(OPERATORS)]
    leaves = ["127.30.0.2", "127.30.0.3", "127.30.0.4"]
    serve(lab, port, "root", ".", ROOT_RECORDS, ["127.30.0.1"])
    serve(lab, port, "zone", "zone.test", RECORDS, [*leaves, *resolvers])
    client = build(lab)

    def ask(host: str) -> bool:
        done = subprocess.run(
            [program("dig"), f"@{host}", "-p", str(port), "+time=1", "zone.test", "NS"],
            capture_output=True, timeout=10, check=False,
        )  # fmt: skip
        return re.search(rb"NS\s+ns1", done.stdout) is not None

    for host in ("127.30.0.1", resolvers[0]):
        wait_until(lambda host=host: ask(host), f"{host} answers")

    def measure(panel: list[str], rounds: int) -> tuple[float, float, int]:
        file = lab.directory / "panel"
        file.write_text("".join(f"R{n}: {host}:{port}\n" for n, host in enumerate(panel)))
        done = subprocess.run(
            [str(client), f"127.30.0.1:{port}", "zone.test", str(file), str(rounds)],
            capture_output=True, timeout=300, check=True, text=True,
        )  # fmt: skip
        rows = [[int(word) for word in line.split()] for line in done.stdout.splitlines()][1:]
        cpu, wall, news = (statistics.median(column) for column in zip(*rows))
        return cpu / 1000, wall / 1000, int(news)

    cpu, wall, news = measure(resolvers, options.rounds)
    ok = cpu <= CPU_MS_MAX and news == OPERATORS
    print(f"3 servers, {OPERATORS} x 4 samples: {cpu:.2f} ms of CPU (at most {CPU_MS_MAX:g}),"
          f" {wall:.1f} ms, {news} new: {'ok' if ok else 'MISSED'}")  # fmt: skip

    silent = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for number, each in enumerate(silent):
        each.bind((f"127.30.2.{number + 1}", port))
    panel = resolvers[:-2] + [each.getsockname()[0] for each in silent]
    cpu, wall, news = measure(panel, 4)
    in_time = wall <= TIMEOUT_MS + 500 and news == OPERATORS - 2
    print(f"two of them silent: {cpu:.2f} ms of CPU, {wall:.0f} ms (at most {TIMEOUT_MS + 500:g}),"
          f" {news} new: {'ok' if in_time else 'MISSED'}")  # fmt: skip
    assert ok and in_time


if __name__ == "__main__":
    run(story)
