"""Servers that speak UTF-8 alone (RFC 9755): names of folders are what they are on both sides, and
a message with UTF-8 in its header is appended in the form that such a server insists on."""

import hashlib
import pathlib
import sys
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from scripted_imap import ScriptedImap
from scripted_personality import MODERN
from siding_lab import Lab, run

ANN = ("ann", "secret")
NAMES = ("INBOX", "Entwürfe & Ähnliches", "日本語/寿司", 'a "quoted" name', "&")
ONLY = MODERN.having("needs_utf8_append", after=MODERN.after + " UTF8=ONLY")
HEADERS = ("plain", "grüße", "件名")


def octets(name: str, subject: str) -> bytes:
    return f"Subject: {subject}\r\nX-Folder: x\r\n\r\nIn {name}.\r\n".encode()


def held(server: ScriptedImap, name: str) -> Counter[str]:
    assert name in server.accounts["ann"], f"{name}: {server.accounts['ann'].names()}"
    messages = server.folder("ann", name).messages
    return Counter(hashlib.sha256(message.octets).hexdigest() for message in messages)


def story(lab: Lab) -> None:
    for number, (old, new) in enumerate(((MODERN, ONLY), (ONLY, MODERN), (ONLY, ONLY))):
        source = ScriptedImap(lab, dict([ANN]), old).start()
        destination = ScriptedImap(lab, dict([ANN]), new).start()
        for name in NAMES:
            for subject in HEADERS:
                source.folder("ann", name).add(octets(name, subject), ("\\Seen",), 1.7e9)
            source.folder("ann", name).subscribed = True
        backfill = Backfill(lab, source, destination, dict([ANN]), name=f"utf8-{number}").start()
        ran = backfill.run("ann")
        assert ran.code == 0, ran.out + ran.err + str(backfill.report("ann"))
        for name in NAMES:
            assert held(source, name) == held(destination, name), name
            assert destination.folder("ann", name).subscribed, name
        backfill.verify("ann").ok()
        utf8 = [line for line in destination.said("APPEND") if "UTF8 (" in line]
        assert len(utf8) == (2 * len(NAMES) if new is ONLY else 0), destination.said("APPEND")
        assert any("UTF8" in line for line in destination.said("ENABLE")) == (new is ONLY)
        assert any("UTF8" in line for line in source.said("ENABLE")) == (old is ONLY)
        # A move goes by name, too.
        first = source.folder("ann", NAMES[1]).messages[0]
        source.folder("ann", NAMES[1]).remove({first.uid})
        source.folder("ann", NAMES[2]).add(first.octets, ("\\Seen",), 1.7e9)
        backfill.run("ann").ok()
        for name in NAMES:
            assert held(source, name) == held(destination, name), name
        backfill.run("ann").ok()
        assert backfill.account("ann")["copied"] == 0
        backfill.stop()
        source.stop()
        destination.stop()


run(story)
