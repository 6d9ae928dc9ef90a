"""Held mail comes out as .eml, Maildir and mbox, from the running daemon and from a stopped queue."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import mailbox

from sample_mail import message
from siding_lab import Daemon, Lab, run, wait_until
from smtp_client import send_mail


def exported(lab: Lab, daemon: Daemon, name: str, *flags: str) -> pathlib.Path:
    target = lab.directory / name
    daemon.siding("queue", "export", "--to", str(target), *flags).ok()
    return target


def read_files(directory: pathlib.Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in directory.rglob("*") if path.is_file())


def check(lab: Lab, daemon: Daemon, originals: list[bytes], *where: str) -> None:
    tag = "stopped" if where else "running"
    with_crlf = sorted(originals)
    plain = exported(lab, daemon, f"{tag}-eml", "--no-trace", *where)
    assert read_files(plain) == with_crlf, "eml"
    traced = read_files(exported(lab, daemon, f"{tag}-trace", *where))
    assert len(traced) == len(originals)
    assert all(octets.startswith(b"Received: from ") for octets in traced)
    assert {o[len(o) - len(w) :] for o in traced for w in originals if o.endswith(w)} == set(originals)

    # Maildir and mbox hold local line ends; the octets between them are the same.
    local = sorted(octets.replace(b"\r\n", b"\n") for octets in originals)
    maildir = exported(lab, daemon, f"{tag}-maildir", "--format", "maildir", "--no-trace", *where)
    root = maildir if (maildir / "new").is_dir() else next(maildir.rglob("new")).parent
    box = mailbox.Maildir(root, create=False)
    assert sorted(box.get_bytes(key).replace(b"\r\n", b"\n") for key in box.keys()) == local, "maildir"
    target = exported(lab, daemon, f"{tag}-mbox", "--format", "mbox", "--no-trace", *where)
    file = target if target.is_file() else next(p for p in target.rglob("*") if p.is_file())
    found = sorted(
        mbox.get_bytes(key).replace(b"\r\n", b"\n").replace(b"\n>From ", b"\nFrom ")
        for mbox in [mailbox.mbox(file, create=False)]
        for key in mbox.keys()
    )
    assert [f.rstrip(b"\n") for f in found] == [o.rstrip(b"\n") for o in local], "mbox"

    only = exported(lab, daemon, f"{tag}-one", "--recipient", "bob1@example.com", "--no-trace", *where)
    assert read_files(only) == [originals[1]]


def story(lab: Lab) -> None:
    daemon = lab.daemon(lab.config(new=lab.sink())).start()
    originals = [
        message(f"mail {n}", b"From the top\r\n.dot\r\n\xe4\xf6\xfc\r\n" + b"x" * n * 40000 + b"\r\n")
        for n in range(4)
    ]
    for number, octets in enumerate(originals):
        assert send_mail(
            daemon.port, "ann@sender.example", f"bob{number}@example.com", octets
        ).code == 250
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
