"""A corrupt record on disk is named and set aside; every other message is served."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed, message
from siding_lab import Daemon, Lab, run
from smtp_client import send_mail

MARK = b"this-octet-will-rot:"
COUNT = 5


def rot(daemon: Daemon) -> list[pathlib.Path]:
    """Flips one octet behind each place where the marked body lies on disk."""
    hit = []
    for file in pathlib.Path(daemon.config["data_dir"]).rglob("*"):
        if not file.is_file():
            continue
        octets = bytearray(file.read_bytes())
        at = octets.find(MARK)
        while at >= 0:
            octets[at + len(MARK)] ^= 0x40
            hit.append(file)
            at = octets.find(MARK, at + 1)
        if file in hit:
            file.write_bytes(octets)
    return hit


def story(lab: Lab) -> None:
    new = lab.sink()
    daemon = lab.daemon(lab.config(new=new)).start()
    # Incompressible and large enough to lie in a file of its own kind, not beside the records.
    originals = {f"bob{n}@example.com": message(f"mail {n}") for n in range(COUNT)}
    victim = "rot@example.com"
    filler = "".join(chr(33 + (n * n * 7 + n // 90) % 90) for n in range(200_000)).encode()
    lines = b"\r\n".join(filler[n : n + 900] for n in range(0, len(filler), 900))
    originals[victim] = message("victim", MARK + b"A\r\n" + lines + b"\r\n")
    for recipient, octets in originals.items():
        assert send_mail(daemon.port, "ann@sender.example", recipient, octets).code == 250
    # Two clean restarts move the records from the log into tables.
    daemon.restart()
    assert daemon.stop() == 0
    hit = rot(daemon)
    assert hit, "the body is not on disk in plain"
    assert not any(file.suffix == ".log" for file in hit), f"still in the log: {hit}"

    daemon.start()
    audit = daemon.siding("audit", "--deep")
    assert audit.code == 1, "the audit must see it"
    job = daemon.release()
    assert job["counts"]["delivered"] == COUNT, job
    row = daemon.row(victim)
    assert row["state"] == "parked" and row["last_reply"], row
    assert new.of(victim) == [], "a corrupt message left"
    for recipient, octets in originals.items():
        if recipient != victim:
            assert_relayed(new.of(recipient)[0].octets, octets)
    assert daemon.alive, "one bad record stops nobody"
    reply = send_mail(daemon.port, "ann@sender.example", "after@example.com", message())
    assert reply.code == 250, reply


run(story)
