"""Messages that the destination refuses: kept in the archive with its words, the rest goes on; then
repaired as the operator chooses, each once and proved, also when the old server is gone."""

import email
import hashlib
import json
import pathlib
import re
import sys
from collections import Counter
from dataclasses import replace

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from imap_client import Mailbox
from imap_lab import Cyrus
from scripted_imap import ScriptedImap
from scripted_personality import GMAIL, MICROSOFT, MODERN
from siding_lab import Lab, Ran, run, wait_until

ANN = ("ann", "secret")
STRICT = MODERN.having("refuses_nul", "refuses_bare_lf", append_limit=50_000)


def message(name: str, body: bytes = b"Hello.\r\n", extra: bytes = b"") -> bytes:
    lines = b"From: Ann <ann@sender.example>\r\nSubject: %s\r\n" % name.encode()
    return lines + b"Message-ID: <%s@lab.example>\r\n" % name.encode() + extra + b"\r\n" + body


CLEAN = {f"clean{number}": message(f"clean{number}") for number in range(5)}
REFUSED = {
    "lf": message("lf", b"one\ntwo\n"),
    "lf-in-header": message("lf-in-header", extra=b"X-Odd: a\n").replace(b"\r\n\r\n", b"\n\n", 1),
    "nul": message("nul", b"a\0b\0\r\n"),
    "both": message("both", b"a\0b\nend without line end"),
    "lf-and-8-bit": message("grüß", b"x\n"),
}
BIG = message("big", b"0123456789\r\n" * 6_000)


def sha(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def mended(octets: bytes) -> bytes:
    """What `--repair line-ends,nul` should make of it, in other words than Siding's."""
    octets = re.sub(rb"\r*\n|\r", b"\r\n", octets).replace(b"\0", b"\x80")
    return octets if octets.endswith(b"\r\n") else octets + b"\r\n"


class World:
    number = 0

    def __init__(self, lab: Lab, messages: list[bytes], destination=STRICT):
        World.number += 1
        self.lab = lab
        self.source = ScriptedImap(lab, dict([ANN]), MODERN).start()
        self.destination = destination
        if not isinstance(destination, Cyrus):
            self.destination = ScriptedImap(lab, dict([ANN]), destination).start()
        for number, octets in enumerate(messages):
            self.source.folder("ann", "INBOX").add(octets, ("\\Flagged",), 1.7e9 + number)
        self.backfill = Backfill(
            lab, self.source, self.destination, dict([ANN]), name=f"backfilld{World.number}"
        ).start()
        self.archive = pathlib.Path(self.backfill.config["data_dir"]) / "backfill" / "archive"

    def retry(self, *arguments: str) -> Ran:
        return self.backfill.backfill("retry", "--wait", "ann", *arguments)

    def exceptions(self) -> dict[int, dict]:
        return {row["uid"]: row for row in self.backfill.report("ann")["exceptions"]}

    def octets(self) -> list[bytes]:
        if isinstance(self.destination, Cyrus):
            with Mailbox(self.destination, *ANN) as new:
                return [each.octets for each in new.messages("INBOX", octets=True)]
        return [each.octets for each in self.destination.folder("ann", "INBOX").messages]

    def archived(self, verb: str, *arguments: str) -> Ran:
        return self.lab.siding("archive", verb, "--dir", str(self.archive), *arguments)

    def exported(self) -> Counter[str]:
        to = self.lab.directory / f"export{World.number}-{len(list(self.lab.directory.iterdir()))}"
        self.archived("export", "--to", str(to), "--format", "eml").ok()
        return Counter(sha(path.read_bytes()) for path in to.rglob("*.eml"))

    def verdicts(self) -> dict[str, int]:
        return json.loads(self.backfill.backfill("verify", "--json", "ann").out)["accounts"][0]["verdicts"]

    def end(self) -> None:
        self.backfill.stop()
        self.source.stop()
        self.destination.stop()


def is_kept_and_repaired(lab: Lab) -> None:
    messages = [*CLEAN.values(), *REFUSED.values(), BIG]
    world = World(lab, messages)
    ran = world.backfill.run("ann")
    assert ran.code == 1 and "`siding backfill report ann`" in ran.out, ran.out
    assert Counter(map(sha, world.octets())) == Counter(map(sha, CLEAN.values()))
    rows = world.exceptions()
    assert [row["state"] for row in rows.values()] == ["refused"] * 6, rows
    assert all(row["archived"] for row in rows.values()), rows
    assert "bare newlines" in rows[6]["reason"] and "NUL" in rows[8]["reason"], rows
    helps = [rows[uid]["may_help"] for uid in range(6, 12)]
    assert helps == ["line-ends", "line-ends", "nul", "line-ends,nul", "line-ends", ""], helps
    shown = world.backfill.backfill("report", "ann").out
    assert "--repair auto" in shown and "bare newlines" in shown, shown
    refused = Counter(map(sha, [*REFUSED.values(), BIG]))
    assert world.exported() == refused, "not what the source had"
    # A plain pass leaves them alone; a plain retry finds them refused once more.
    appends = len(world.destination.said("APPEND"))
    assert world.backfill.run("ann").code == 1
    assert len(world.destination.said("APPEND")) == appends
    assert world.retry().code == 1
    assert len(world.destination.said("APPEND")) > appends
    assert sorted(world.exceptions()) == list(range(6, 12))
    assert world.exported() == refused, "archived twice"

    ran = world.retry("--repair", "auto")
    assert ran.code == 1 and list(world.exceptions()) == [11], ran.out  # too big stays too big
    wanted = [*CLEAN.values(), *map(mended, REFUSED.values())]
    assert Counter(map(sha, world.octets())) == Counter(map(sha, wanted))
    new = world.destination.folder("ann", "INBOX").messages
    assert {each.date for each in new} == {int(1.7e9) + number for number in range(10)}
    assert all("\\Flagged" in each.flags for each in new)
    assert world.verdicts() == {"exact": 5, "repaired": 5, "refused": 1}
    world.destination.personality = replace(world.destination.personality, append_limit=0)
    world.retry("--mailbox", "INBOX", "--uid", "11").ok()
    assert world.verdicts() == {"exact": 6, "repaired": 5}
    world.backfill.verify("ann").ok()
    world.backfill.run("ann").ok()
    assert world.backfill.account("ann")["copied"] == 0
    # Numbers that change on either side change nothing about it.
    world.destination.folder("ann", "INBOX").change_uid_validity()
    world.source.folder("ann", "INBOX").add(message("late"), (), 1.7e9)
    world.backfill.run("ann").ok()
    world.source.folder("ann", "INBOX").change_uid_validity()
    world.backfill.run("ann").ok()
    assert len(world.octets()) == len(messages) + 1
    assert world.verdicts() == {"exact": 7, "repaired": 5}
    world.archived("verify").ok()
    world.end()


def orders_that_are_wrong(lab: Lab) -> None:
    world = World(lab, [REFUSED["lf"]])
    assert world.backfill.run("ann").code == 1
    for arguments, words in (
        (("--repair", "crlf"), "line-ends"),
        (("--uid", "1"), "mailbox"),
        (("--mailbox", "INBOX", "--uid", "1;2"), "uids"),
    ):
        ran = world.retry(*arguments)
        assert ran.code not in (0, 1) and words in ran.err.lower(), f"{arguments}: {ran.err}"
    assert world.retry("--mailbox", "Nowhere").code == 1
    assert "Nowhere" in world.backfill.account("ann")["reason"]
    world.retry("--repair", "line-ends").ok()
    assert world.octets() == [mended(REFUSED["lf"])]
    world.end()


def source_is_gone(lab: Lab) -> None:
    world = World(lab, [*CLEAN.values(), *REFUSED.values()])
    assert world.backfill.run("ann").code == 1
    world.source.stop()
    assert world.retry("--repair", "auto").code == 0, world.backfill.account("ann")
    wanted = [*CLEAN.values(), *map(mended, REFUSED.values())]
    assert Counter(map(sha, world.octets())) == Counter(map(sha, wanted))
    assert world.backfill.account("ann")["clean"]
    world.end()


def killed_in_the_middle(lab: Lab) -> None:
    count = 120
    bad = [message(f"bad{number}", b"%d\n" % number * 50) for number in range(count)]
    world = World(lab, [*CLEAN.values(), *bad])
    assert world.backfill.run("ann").code == 1
    assert world.backfill.account("ann")["known_refused"] == count
    # One by one, so that there are many moments in which to be killed.
    world.destination.personality = world.destination.personality.without("MULTIAPPEND")
    world.destination.fault("delay", at="APPEND.done", times=None, seconds=0.02)
    for number, repair in ((20, "line-ends"), (50, "auto"), (80, "line-ends")):
        world.backfill.backfill("retry", "ann", "--repair", repair).ok()
        wait_until(lambda: len(world.octets()) >= len(CLEAN) + number, f"{number} are there")
        world.backfill.kill()
        world.destination.hang_up()
        world.backfill.start()
    world.destination.heal()
    world.retry("--repair", "line-ends").ok()
    wanted = Counter(map(sha, [*CLEAN.values(), *map(mended, bad)]))
    assert Counter(map(sha, world.octets())) == wanted, "not each once"
    assert world.verdicts() == {"exact": len(CLEAN), "repaired": count}
    # The next pass settles what a retry has left in doubt, too.
    world.backfill.run("ann").ok()
    assert Counter(map(sha, world.octets())) == wanted
    world.end()


def unreadable_once(lab: Lab) -> None:
    world = World(lab, list(CLEAN.values()))
    world.source.fault("no", at="FETCH.message", uid=3, times=None, text="[SERVERBUG] not today")
    assert world.backfill.run("ann").code == 1
    assert [row["state"] for row in world.exceptions().values()] == ["unreadable"]
    assert world.retry().code == 1
    assert [row["state"] for row in world.exceptions().values()] == ["unreadable"]
    world.source.heal()
    world.retry().ok()
    assert world.verdicts() == {"exact": len(CLEAN)}
    world.end()


def quota(lab: Lab) -> None:
    """One that finds no room is set aside; a full mailbox ends the account."""
    world = World(lab, list(CLEAN.values()))
    words = "[OVERQUOTA] Quota exceeded (mailbox for user is full)"
    world.destination.fault("no", at="APPEND", times=2, text=words)  # the batch, then the first
    assert world.backfill.run("ann").code == 1
    rows = world.exceptions()
    assert [(row["state"], row["may_help"]) for row in rows.values()] == [("refused", "")], rows
    assert "OVERQUOTA" in rows[1]["reason"] and rows[1]["archived"]
    assert len(world.octets()) == len(CLEAN) - 1
    world.retry().ok()
    assert Counter(map(sha, world.octets())) == Counter(map(sha, CLEAN.values()))
    world.end()

    world = World(lab, [message(f"m{number}") for number in range(20)])
    world.destination.fault("no", at="APPEND", times=None, text=words)
    assert world.backfill.run("ann").code == 1
    account = world.backfill.account("ann")
    assert account["phase"] == "failed" and "OVERQUOTA" in account["reason"], account
    world.destination.heal()
    world.backfill.run("ann").ok()
    assert len(world.octets()) == 20
    world.end()


def no_archive(lab: Lab) -> None:
    """The copy goes on, and says so."""
    world = World(lab, [*REFUSED.values(), *CLEAN.values()])
    world.archive.parent.mkdir(parents=True, exist_ok=True)
    world.archive.write_text("in the way")
    assert world.backfill.run("ann").code == 1
    assert len(world.octets()) == len(CLEAN)
    rows = world.exceptions()
    assert len(rows) == len(REFUSED), rows
    assert all(not row["archived"] and "not in the archive" in row["reason"] for row in rows.values())
    assert "refused_message_not_archived" in world.backfill.log()
    world.archive.unlink()
    world.retry("--repair", "auto").ok()
    assert Counter(map(sha, world.octets())) == Counter(
        map(sha, [*CLEAN.values(), *map(mended, REFUSED.values())])
    )
    assert world.exported() == Counter(map(sha, REFUSED.values())), "kept before it was changed"
    world.end()


def ends_the_connection(lab: Lab) -> None:
    """Gmail says goodbye to NUL: only the message with it is left out."""
    messages = [message(f"m{number}") for number in range(60)]
    messages[30] = REFUSED["nul"]
    world = World(lab, messages, GMAIL)
    ran = world.backfill.run("ann", timeout=100)
    assert ran.code == 1, ran.out
    rows = world.exceptions()
    assert [(uid, row["state"], row["archived"]) for uid, row in rows.items()] == [(31, "refused", True)]
    assert "Invalid character" in rows[31]["reason"] and rows[31]["may_help"] == "nul", rows
    assert Counter(map(sha, world.octets())) == Counter(map(sha, messages)) - Counter([sha(messages[30])])
    world.retry("--repair", "nul").ok()
    assert len(world.octets()) == len(messages)
    world.backfill.verify("ann").ok()
    world.end()


def attachment_of(octets: bytes) -> bytes:
    parts = email.message_from_bytes(octets).get_payload()
    assert len(parts) == 2 and "original.eml" in parts[0].get_payload(), octets
    payload = parts[1].get_payload(decode=True)
    if parts[1].get_content_type() == "message/rfc822":
        boundary = email.message_from_bytes(octets).get_boundary().encode()
        payload = octets.split(b"--" + boundary)[2].split(b"\r\n\r\n", 1)[1][:-2]
    return payload


def wrapped(lab: Lab) -> None:
    line = message("long-line", b"x" * 20_000 + b"\r\n")
    large = message("large", (b"y" * 11_000 + b"\r\n") * 300)
    world = World(lab, [*CLEAN.values(), line, large], MICROSOFT)
    assert world.backfill.run("ann").code == 1
    rows = world.exceptions()
    assert [rows[uid]["may_help"] for uid in (6, 7)] == ["wrap", "wrap"], rows
    world.retry("--repair", "auto").ok()
    got = {email.message_from_bytes(octets)["Subject"]: octets for octets in world.octets()}
    assert attachment_of(got["long-line"]) == line
    assert attachment_of(got["large"]) == large
    assert email.message_from_bytes(got["large"])["Message-ID"] == "<large@lab.example>"
    assert world.verdicts() == {"exact": 5, "repaired": 2}
    world.backfill.run("ann").ok()
    assert len(world.octets()) == 7
    world.end()


def to_cyrus(lab: Lab) -> None:
    """What a real server refuses: NUL, bare line feeds, 8-bit headers, no header at all."""
    odd = {
        **REFUSED,
        "8-bit-header": b"From: a@b.example\r\nSubject: gr\xfc\xdfe\r\n\r\nx\r\n",
        "no-colon": message("no-colon", extra=b"no colon here\r\n"),
        "empty": b"",
        "line-end": b"\r\n",
    }
    cyrus = Cyrus(lab, dict([ANN]), reject8bit=True).start()
    world = World(lab, [*CLEAN.values(), *odd.values()], cyrus)
    assert world.backfill.run("ann").code == 1
    rows = world.exceptions()
    assert {6, 7, 8, 9, 10, 11}.issubset(rows), rows
    assert all(row["archived"] for row in rows.values())
    assert world.retry().code == 1 and world.exceptions().keys() == rows.keys()
    ran = world.retry("--repair", "auto")
    assert ran.code == 0, f"{ran.out} {world.exceptions()}"
    world.backfill.verify("ann").ok()
    verdicts = world.verdicts()
    assert verdicts.get("repaired") == len(rows), verdicts
    assert len(world.octets()) == len(CLEAN) + len(odd)
    world.backfill.run("ann").ok()
    assert len(world.octets()) == len(CLEAN) + len(odd)
    world.end()


def archive_that_has_rotted(lab: Lab) -> None:
    world = World(lab, [*CLEAN.values(), *REFUSED.values()], MODERN)

    def create() -> None:
        socket = world.backfill.socket_path
        lab.siding("--socket", socket, "archive", "create", "--wait", "ann").ok()

    create()
    pack = world.archive / "packs" / "000001.pack"
    octets = bytearray(pack.read_bytes())
    octets[len(octets) // 2] ^= 0x20
    pack.write_bytes(octets)
    assert world.archived("verify").code == 1
    create()
    assert world.backfill.account("ann")["copied"] == 1
    world.archived("verify").ok()
    create()
    assert world.backfill.account("ann")["copied"] == 0
    world.end()


STORIES = (
    is_kept_and_repaired, orders_that_are_wrong, source_is_gone, killed_in_the_middle,
    unreadable_once, quota, no_archive, ends_the_connection, wrapped, to_cyrus, archive_that_has_rotted,
)  # fmt: skip


def story(lab: Lab) -> None:
    for part in STORIES:
        if not sys.argv[1:] or part.__name__ in sys.argv[1:]:
            part(lab)
            print(part.__name__, flush=True)


run(story)
