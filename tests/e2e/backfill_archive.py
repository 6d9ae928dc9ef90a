"""Mailboxes in a local archive: taken once, proved, exported, and put into an empty server, where
every message is once, whatever is killed meanwhile."""

import hashlib
import os
import pathlib
import shutil
import sys
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from imap_client import Mailbox
from imap_compare import assert_same
from imap_lab import Dovecot
from imap_mail import Mail, fill, head, plain_samples, put
from siding_lab import Lab, Ran, run, wait_until

ANN = ("ann", "secret")
FOLDERS = {"INBOX": 900, "Sent": 300, "Projects/Größe & Co": 40, "Archive/2024": 10}
LARGE = 5_000_000


class Archive:
    def __init__(self, lab: Lab, backfill: Backfill):
        self.lab, self.backfill = lab, backfill
        self.directory = pathlib.Path(backfill.config["data_dir"]) / "backfill" / "archive"

    def order(self, *arguments: str, timeout: float = 300.0) -> Ran:
        return self.lab.siding("--socket", self.backfill.socket_path, "archive", *arguments, timeout=timeout)

    def offline(self, verb: str, *arguments: str, directory: pathlib.Path | None = None) -> Ran:
        return self.lab.siding("archive", verb, "--dir", str(directory or self.directory), *arguments)

    def size(self) -> int:
        return sum(path.stat().st_size for path in self.directory.rglob("*") if path.is_file())


def large_message() -> Mail:
    line = hashlib.sha256(b"large").hexdigest().encode() + b"\r\n"
    return Mail("large", head("large") + b"\r\n" + line * (LARGE // len(line)), ("\\Seen",))


def takes_everything_once(source: Dovecot, archive: Archive) -> int:
    with Mailbox(source, *ANN) as old:
        fill(old, FOLDERS)
        put(old, "INBOX", [*plain_samples(), large_message()])
        old.create("Empty")
        old.subscribe("Sent")
        before = old.evidence()
        messages = sum(len(old.uids(name)) for name, folder in old.folders().items() if folder.selectable)
    archive.order("create", "--wait", "ann").ok()
    account = archive.backfill.account("ann")
    assert account["copied"] == messages and account["clean"], account
    with Mailbox(source, *ANN) as old:
        assert old.evidence() == before, "the source was touched"
    size = archive.size()
    archive.order("create", "--wait").ok()
    account = archive.backfill.account("ann")
    assert (account["copied"], account["octets"], account["clean"]) == (0, 0, True), account
    assert archive.size() == size, "a second one has written"
    return messages


def changes_follow(source: Dovecot, archive: Archive) -> None:
    with Mailbox(source, *ANN) as old:
        plain = [m for m in old.messages("INBOX") if not m.flags]
        old.store("INBOX", [plain[0].uid], "+FLAGS", "\\Flagged")
        old.store("INBOX", [plain[1].uid], "+FLAGS", "\\Deleted")
        old.expunge("INBOX", [plain[1].uid])
        put(old, "Sent", [Mail("late", head("late one") + b"\r\nx\r\n")])
    archive.order("create", "--wait", "ann").ok()
    account = archive.backfill.account("ann")
    assert (account["copied"], account["flags"], account["gone"]) == (1, 1, 1), account


def is_proved(lab: Lab, archive: Archive, messages: int) -> None:
    verified = archive.offline("verify", "--json").ok().json()
    assert verified["entries"] == messages + 1 and not verified["problems"], verified
    assert verified["messages"] < verified["entries"], "twins are there twice"
    rows = archive.offline("list", "ann", "--json").ok().json()["mailboxes"]
    assert sum(row["messages"] for row in rows) == messages, rows
    broken = lab.directory / "broken"
    shutil.copytree(archive.directory, broken)
    pack = broken / "packs" / "000001.pack"
    with pack.open("r+b") as file:
        file.seek(pack.stat().st_size // 2)
        octet = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([octet[0] ^ 0x55]))
    found = archive.offline("verify", directory=broken)
    assert found.code == 1 and "ann " in found.out and "UID" in found.out, found.out
    assert archive.offline("verify", directory=lab.directory / "none").code != 0


def is_exported(lab: Lab, source: Dovecot, archive: Archive) -> None:
    with Mailbox(source, *ANN) as old:
        wanted = {
            name: Counter(message.sha for message in old.messages(name))
            for name, folder in old.folders().items() if folder.selectable
        }  # fmt: skip
        seen = sum("\\seen" in {flag.lower() for flag in message.flags} for message in old.messages("Sent"))
    to = lab.directory / "export"
    archive.offline("export", "--to", str(to), "--format", "maildir").ok()
    for name, folder in (("INBOX", "."), ("Sent", ".Sent"), ("Projects/Größe & Co", ".Projects.Gr&APYA3w-e &- Co")):
        files = list((to / "ann" / folder / "cur").iterdir())
        found = Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
        assert found == wanted[name], name
    assert seen == sum("S" in path.name.split(":2,")[1] for path in (to / "ann" / ".Sent" / "cur").iterdir())
    one = lab.directory / "one"
    archive.offline("export", "--to", str(one), "--format", "eml", "--mailbox", "Sent", "ann").ok()
    found = Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in one.rglob("*.eml"))
    assert found == wanted["Sent"]
    mbox = lab.directory / "mbox"
    archive.offline("export", "--to", str(mbox), "--format", "mbox").ok()
    assert len(list(mbox.rglob("siding.mbox"))) == len(wanted)


def is_far_enough(account, copied: int):
    return account if account["phase"] in ("idle", "failed") or account["copied"] >= copied else None


def is_restored(source: Dovecot, destination: Dovecot, archive: Archive, messages: int) -> None:
    backfill = archive.backfill
    phases = []
    for number in (1, 100, 400):
        archive.order("restore", "ann").ok()
        account = wait_until(
            lambda: is_far_enough(backfill.account("ann"), number), f"{number} messages restored"
        )
        backfill.kill()
        phases.append(account["phase"])
        backfill.start()
    assert "restoring" in phases, "all of it was killed too late"
    archive.order("restore", "--wait", "ann").ok()
    with Mailbox(source, *ANN) as old, Mailbox(destination, *ANN) as new:
        assert_same(old.snapshot(), new.snapshot())
        assert "Sent" in new.subscriptions()
    archive.order("restore", "--wait", "ann").ok()
    account = backfill.account("ann")
    assert account["copied"] == 0 and account["known_messages"] == messages, account
    with Mailbox(source, *ANN) as old, Mailbox(destination, *ANN) as new:
        assert_same(old.snapshot(), new.snapshot())


def lost_indices_are_said(lab: Lab, archive: Archive) -> None:
    """An archive that has lost an index says so, whoever asks; what is left is given."""
    index = max((archive.directory / "mailboxes").iterdir(), key=lambda path: path.stat().st_size)
    broken = lab.directory / "without-index"
    shutil.copytree(archive.directory, broken)
    (broken / "mailboxes" / index.name).unlink()
    to = lab.directory / "export-of-the-rest"
    for verb, arguments in (("list", ()), ("verify", ()), ("export", ("--to", str(to), "--format", "eml"))):
        said = archive.offline(verb, *arguments, directory=broken)
        assert said.code == 1 and f"{index.name} is not there" in said.out + said.err, (verb, said.out, said.err)
    assert list(to.rglob("*.eml")), "the rest was not exported"
    (broken / "mailboxes.index").write_bytes(b"")
    said = archive.offline("verify", directory=broken)
    assert said.code == 1 and "are in no mailbox of the indices" in said.out, said.out
    aside = lab.directory / index.name
    index.rename(aside)
    said = archive.order("restore", "--wait", "ann")
    assert said.code == 1 and f"{index.name} is not there" in said.out + said.err, said.out + said.err
    assert not index.exists(), "an empty one was made, which looks like a mailbox without mail"
    aside.rename(index)
    archive.order("restore", "--wait", "ann").ok()


def story(lab: Lab) -> None:
    source = Dovecot(lab, dict([ANN])).start()
    destination = Dovecot(lab, dict([ANN]), name="new").start()
    backfill = Backfill(lab, source, destination, dict([ANN])).start()
    archive = Archive(lab, backfill)
    messages = takes_everything_once(source, archive)
    changes_follow(source, archive)
    is_proved(lab, archive, messages)
    is_exported(lab, source, archive)
    is_restored(source, destination, archive, messages)
    lost_indices_are_said(lab, archive)
    assert archive.order("restore", "--wait", "nobody").code != 0


run(story)
