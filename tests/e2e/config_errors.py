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
"""
# Line of the mistake, and what its message must name.
MISTAKES = (
    (1, "hostname"), (2, "data_dir"), (4, "address"), (6, "conections"), (8, "phase"),
    (9, "message_size"), (10, "colour"),
)  # fmt: skip


def story(lab: Lab) -> None:
    daemon = lab.daemon()
    daemon.config_file.write_text(BAD)
    daemon.spawn()
    assert daemon.wait_exit(30) == 2, f"{daemon.process.returncode}: {daemon.log()}"
    checked = lab.siding("config", "check", str(daemon.config_file))
    assert checked.code in (1, 2), checked
    for said in (daemon.log(), checked.out + checked.err):
        for line, key in MISTAKES:
            hits = [t for t in said.splitlines() if f"{daemon.config_file.name}:{line}:" in t]
            assert hits, f"nothing about line {line}:\n{said}"
            assert key in " ".join(hits), hits
        assert "connections" in said, "a near miss is suggested"
        assert "prep" in said and "pass_new" in said, "allowed values are named"
    assert list(lab.directory.glob("relative*")) == [] and not pathlib.Path("relative").exists()

    daemon.config_file.write_text("hostname: [\n")
    assert daemon.spawn().wait_exit(30) == 2
    assert f"{daemon.config_file.name}:" in daemon.log(), daemon.log()
    daemon.config_file.unlink()
    assert daemon.spawn().wait_exit(30) == 2
    assert str(daemon.config_file) in daemon.log(), daemon.log()

    daemon.write_config()
    lab.siding("config", "check", str(daemon.config_file)).ok()
    assert not pathlib.Path(daemon.config["data_dir"]).exists(), "a check creates nothing"


run(story)
