"""A wrong configuration: every error at once, with line and key, exit 2, and nothing started."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from siding_lab import Lab, run

BAD = """\
hostname: not a name
data_dir: relative/dir
listeners:
  - address: "127.0.0.1:99999"
servers:
  new: { address: "127.0.0.1:25", conections: 5 }
domains:
  example.com: { phase: holding }
limits: { message_size: 50 }
colour: blue
verify: { negative_ttl: 1h }
timeouts: { comand: 1m }
extensions: [STARTTLS, BINARYMIME]
"""
# Line of the mistake, and what its message must name.
MISTAKES = (
    (1, "hostname"), (2, "data_dir"), (4, "address"), (6, "conections"), (8, "phase"),
    (9, "message_size"), (10, "colour"), (11, "negative_ttl"), (12, "comand"), (13, "CHUNKING"),
)  # fmt: skip
# What each value alone says is good; together they contradict each other.
CONTRADICTIONS = """\
hostname: hold.example.net
data_dir: /var/lib/siding
listeners:
  - { address: "127.0.0.1:0", tls: starttls }
  - { address: "127.0.0.1:0", proxy_protocol: { required: true } }
servers:
  new: { address: "127.0.0.1:25", ca_file: ca.pem }
domains:
  example.com: { recipients: {} }
  example.net: { recipients: { verify: [new, old] } }
  example.org: { recipients: { import: [{ file: r.csv, format: csv }] } }
"""
CONTRADICTION_MISTAKES = (
    (4, "tls.certificate"), (5, "networks"), (7, "tls: verify"), (9, "no source"), (10, "'old'"),
    (11, "column"),
)  # fmt: skip


def expect_told(said: str, file: str, mistakes: tuple[tuple[int, str], ...]) -> None:
    for line, key in mistakes:
        hits = [t for t in said.splitlines() if f"{file}:{line}:" in t]
        assert hits, f"nothing about line {line}:\n{said}"
        assert key in " ".join(hits), hits


def story(lab: Lab) -> None:
    daemon = lab.daemon()
    file = daemon.config_file.name
    daemon.config_file.write_text(BAD)
    daemon.spawn()
    assert daemon.wait_exit(30) == 2, f"{daemon.process.returncode}: {daemon.log()}"
    checked = lab.siding("config", "check", str(daemon.config_file))
    assert checked.code in (1, 2), checked
    for said in (daemon.log(), checked.out + checked.err):
        expect_told(said, file, MISTAKES)
        assert "connections" in said, "a near miss is suggested"
        assert "prep" in said and "pass_new" in said, "allowed values are named"
    assert list(lab.directory.glob("relative*")) == [] and not pathlib.Path("relative").exists()

    daemon.config_file.write_text(CONTRADICTIONS)
    checked = lab.siding("config", "check", str(daemon.config_file))
    assert checked.code == 2, checked
    expect_told(checked.out + checked.err, file, CONTRADICTION_MISTAKES)

    daemon.config_file.write_text("hostname: [\n")
    assert daemon.spawn().wait_exit(30) == 2
    assert f"{daemon.config_file.name}:" in daemon.log(), daemon.log()
    daemon.config_file.unlink()
    assert daemon.spawn().wait_exit(30) == 2
    assert str(daemon.config_file) in daemon.log(), daemon.log()

    daemon.write_config()
    lab.siding("config", "check", str(daemon.config_file)).ok()
    assert not pathlib.Path(daemon.config["data_dir"]).exists(), "a check creates nothing"

    recipients = lab.directory / "who.txt"
    domain = next(iter(daemon.config["domains"]))
    daemon.config["domains"][domain]["recipients"] = {"file": recipients.name}
    daemon.write_config()
    checked = lab.siding("config", "check", str(daemon.config_file))
    assert checked.code == 2, "a file that is named and not there"
    assert f"{recipients} cannot be read" in checked.out + checked.err, checked
    recipients.write_text(f"someone@{domain}\n")
    lab.siding("config", "check", str(daemon.config_file)).ok()


run(story)
