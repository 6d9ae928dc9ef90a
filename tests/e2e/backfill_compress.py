"""COMPRESS=DEFLATE on both sides: the same mailboxes, and fewer octets on the wire. A server that
does not offer it, and one that says no, are used as they are; TLS lies under it."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from cut_proxy import CutProxy
from imap_client import Mailbox
from imap_lab import Cyrus, Dovecot
from imap_mail import fill, head, plain_samples, put
from siding_lab import Lab, run

ANN = ("ann", "secret")
FOLDERS = {"INBOX": 200, "Sent": 60}


def made(lab: Lab, source, destination, name: str, sides: dict) -> Backfill:
    backfill = Backfill(lab, source, destination, dict([ANN]), name=name)
    backfill.config["backfill"].update(sides)
    backfill.write_config()
    return backfill


def copied(lab: Lab, source, target, name: str, compress: bool) -> tuple[int, int]:
    destination = target(lab)
    ways = CutProxy(source.address), CutProxy(destination.address)
    side = {"tls": "off", "compress": compress}
    backfill = made(lab, *ways, name, {"source": side, "destination": side}).start()
    backfill.run("ann").ok()
    backfill.verify("ann").ok()
    assert backfill.account("ann")["clean"]
    with Mailbox(source, *ANN) as old, Mailbox(destination, *ANN) as new:
        assert old.snapshot() == new.snapshot()
    assert "not_compressed" not in backfill.log(), backfill.log()
    octets = ways[0].octets, ways[1].octets
    with Mailbox(source, *ANN) as old:
        before = old.evidence()
    backfill.run("ann").ok()
    assert backfill.account("ann")["copied"] == 0
    with Mailbox(source, *ANN) as old:
        assert old.evidence() == before, "the source was touched"
    backfill.stop()
    for way in ways:
        way.stop()
    destination.stop()
    return octets


def through_tls(lab: Lab) -> None:
    source = Dovecot(lab, dict([ANN]), tls=True, compress=True).start()
    destination = Cyrus(lab, dict([ANN]), tls=True).start()
    with Mailbox(source, *ANN) as old:
        fill(old, {"INBOX": 50})
    sides = {}
    for side, server in (("source", source), ("destination", destination)):
        sides[side] = {"tls": "implicit", "compress": True, "ca_file": str(server.ca_file)}
    backfill = made(lab, source, destination, "tls", sides)
    backfill.accounts_file.write_text(
        "name,source_host,source_port,source_user,source_secret,"
        "destination_host,destination_port,destination_user,destination_secret\n"
        f"ann,localhost,{source.tls_port},ann,secret,localhost,{destination.tls_port},ann,secret\n"
    )
    backfill.start()
    backfill.run("ann").ok()
    assert backfill.account("ann")["copied"] == 50
    backfill.verify("ann").ok()
    backfill.stop()


def story(lab: Lab) -> None:
    source = Dovecot(lab, dict([ANN]), compress=True).start()
    with Mailbox(source, *ANN) as old:
        fill(old, FOLDERS)
        put(old, "INBOX", plain_samples())
        large = head("large") + b"\r\n" + b"all the same line\r\n" * 300_000
        old.append("INBOX", large, (), 1.7e9)
    dovecot = lambda lab: Dovecot(lab, dict([ANN]), compress=True).start()  # noqa: E731
    plain = copied(lab, source, dovecot, "plain", False)
    small = copied(lab, source, dovecot, "small", True)
    for before, after in zip(plain, small):
        assert after < 0.5 * before, (plain, small)
    # One side alone offers it.
    copied(lab, source, lambda lab: Dovecot(lab, dict([ANN])).start(), "one", True)
    through_tls(lab)


run(story)
