"""Held mail comes out as .eml, Maildir and mbox, from a running daemon and a stopped queue."""

import json
import mailbox
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import message
from siding_lab import Daemon, Lab, run, wait_until
from smtp_client import send_mail


def exported(lab: Lab, daemon: Daemon, name: str, *flags: str) -> pathlib.Path:
    target = lab.directory / name
    daemon.siding("queue", "export", "--to", str(target), *flags).ok()
    return target


def read_eml(directory: pathlib.Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in directory.glob("*.eml"))


def check(lab: Lab, daemon: Daemon, originals: list[bytes], *where: str) -> None:
    tag = "stopped" if where else "running"
    with_crlf = sorted(originals)
    plain = exported(lab, daemon, f"{tag}-eml", "--no-trace", *where)
    assert read_eml(plain) == with_crlf, "eml"
    notes = [json.loads(path.read_text()) for path in plain.glob("*.json")]
    assert {note["sender"] for note in notes} == {"ann@sender.example"}, notes
    assert len(notes) == len(originals)
    traced = read_eml(exported(lab, daemon, f"{tag}-trace", *where))
    assert len(traced) == len(originals)
    assert all(octets.startswith(b"Received: from ") for octets in traced)
    assert all(any(octets.endswith(original) for octets in traced) for original in originals)

    # Maildir and mbox hold local line ends; the octets between them are the same.
    local = sorted(octets.replace(b"\r\n", b"\n") for octets in originals)
    maildir = exported(lab, daemon, f"{tag}-maildir", "--format", "maildir", "--no-trace", *where)
    box = mailbox.Maildir(maildir, create=False)
    found = sorted(box.get_bytes(key).replace(b"\r\n", b"\n") for key in box.keys())
    assert found == local, "maildir"
    target = exported(lab, daemon, f"{tag}-mbox", "--format", "mbox", "--no-trace", *where)
    found = sorted(
        re.sub(rb"(?m)^>(>*From )", rb"\1", mbox.get_bytes(key))
        for mbox in [mailbox.mbox(target / "siding.mbox", create=False)]
        for key in mbox.keys()
    )
    assert [f.rstrip(b"\n") for f in found] == [o.rstrip(b"\n") for o in local], "mbox"

    one = ("--recipient", "bob1@example.com")
    only = exported(lab, daemon, f"{tag}-one", *one, "--no-trace", *where)
    assert read_eml(only) == [originals[1]]


def story(lab: Lab) -> None:
    daemon = lab.daemon(lab.config(new=lab.sink())).start()
    body = b"From the top\r\n.dot\r\n\xe4\xf6\xfc\r\n"
    originals = [message(f"mail {n}", body + b"x" * n * 40000 + b"\r\n") for n in range(4)]
    for number, octets in enumerate(originals):
        reply = send_mail(daemon.port, "ann@sender.example", f"bob{number}@example.com", octets)
        assert reply.code == 250, reply
    check(lab, daemon, originals)
    listed = daemon.siding("--json", "queue", "list").ok().out

    daemon.kill()
    data = daemon.config["data_dir"]
    unreachable = daemon.siding("queue", "list")
    assert unreachable.code == 3 and len(unreachable.err.strip().splitlines()) == 1, unreachable
    wait_until(lambda: not daemon.alive, "the daemon is gone")
    check(lab, daemon, originals, "--data-dir", data)
    stopped = daemon.siding("--json", "queue", "list", "--data-dir", data).ok().out
    assert stopped == listed, "a stopped queue lists like a running one"

    # Reading changed nothing.
    daemon.start()
    daemon.assert_balanced(accepted=4, held=4)


run(story)
