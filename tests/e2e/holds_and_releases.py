"""A few lines of configuration: swaks sends, it is held, survives kill -9, and arrives unchanged."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed
from siding_lab import Lab, program, run

CONFIG = """\
hostname: hold.example.net
data_dir: {data}
storage: {{ disk_reserve: 256MiB }}
listeners:
  - address: "127.0.0.1:0"
servers:
  new: {{ address: "{new}" }}
domains:
  example.com: {{ phase: hold }}
dns: {{ enabled: false }}
control:
  socket: {socket}
"""


def story(lab: Lab) -> None:
    new, witness = lab.sink(), lab.sink()
    socket = str(lab.directory / "control.sock")
    daemon = lab.daemon({"control": {"socket": socket}})
    daemon.config_file.write_text(
        CONFIG.format(data=lab.directory / "data", new=new.address, socket=socket)
    )
    daemon.start()

    mail = lab.directory / "mail"
    mail.write_bytes(
        b"From: ann@sender.example\nTo: bob@example.com\nSubject: hold me\n"
        b"Date: Sat, 21 Nov 2026 14:07:30 +0000\nMessage-ID: <1@sender.example>\n\n"
        b"First line\n.leading dot\n..two\n\nLast line\n"
    )
    # The same command against a sink is the witness of what swaks really sends.
    for port in (witness.port, daemon.port):
        sent = lab.run(
            program("swaks"), "--server", "127.0.0.1", "--port", str(port),
            "--helo", "swaks.example", "--from", "ann@sender.example", "--to", "bob@example.com",
            "--data", f"@{mail}",
        )  # fmt: skip
        assert sent.code == 0, sent.out + sent.err
    original = witness.wait_for(1)[0].octets
    assert b"\r\n.leading dot\r\n..two\r\n" in original

    listed = daemon.siding("queue", "list").ok().out
    assert "bob@example.com" in listed and "held" in listed, listed
    daemon.kill()
    daemon.start()
    assert daemon.row("bob@example.com")["state"] == "held"
    assert new.all == [], "it left by itself"

    daemon.siding("release", "--to", "new", "--wait").ok()
    delivery = new.wait_for(1)[0]
    trace = assert_relayed(delivery.octets, original)
    assert "from swaks.example (" in trace and "[127.0.0.1]" in trace, trace
    assert "by hold.example.net (Siding) with ESMTP id " in trace, trace
    assert (delivery.sender, delivery.recipients) == ("ann@sender.example", ["bob@example.com"])

    daemon.siding("audit").ok()
    daemon.assert_balanced(accepted=1, delivered=1, held=0, due=0, in_flight=0, parked=0)
    assert daemon.stop() == 0
    assert len(new.deliveries) == 1


run(story)
