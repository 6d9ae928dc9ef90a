"""Access control lists go along from Cyrus to Dovecot and to Cyrus: under the names that the users
have at the destination, never less than is there already, and what the destination will not take is
in the report."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import HEADER, Backfill, _side
from imap_client import Mailbox
from imap_lab import Cyrus, Dovecot
from imap_mail import ordinary, put
from siding_lab import Lab, run

USERS = {"ann": "secret", "bob": "secret", "cat": "secret"}
NEW_USERS = {"ann": "secret", "robert": "secret", "cat": "secret"}
MAPPED = {"bob": "robert"}
FOLDERS = ("Projects", "Projects/Shared", "Private")


def acl(mailbox: Mailbox, folder: str) -> dict[str, set[str]]:
    row = mailbox.command("GETACL", f'"{mailbox.raw(folder).decode()}"', untagged="ACL")[0]
    found = re.match(rb'(?:"[^"]*"|\S+) ?(.*)', row)
    words = [word.decode() for word in found.group(1).replace(b'"', b"").split()]
    rights = dict(zip(words[::2], words[1::2]))
    return {identifier: set(letters) - set("cd") for identifier, letters in rights.items()}


def set_acl(mailbox: Mailbox, folder: str, identifier: str, rights: str) -> None:
    mailbox.command("SETACL", f'"{mailbox.raw(folder).decode()}"', f'"{identifier}"', rights)


def backfill_of(lab: Lab, source, destination, name: str) -> Backfill:
    backfill = Backfill(lab, source, destination, {}, name=name)
    rows = [HEADER]
    for user, password in USERS.items():
        sides = _side(source, user, password, "auto")
        sides += _side(destination, MAPPED.get(user, user), password, "auto")
        rows.append(",".join([user, *sides]))
    backfill.accounts_file.write_text("\n".join(rows) + "\n")
    return backfill.start()


def fill(source: Cyrus) -> dict:
    with Mailbox(source, "bob", "secret"), Mailbox(source, "cat", "secret"):
        pass  # their INBOXes are made
    with Mailbox(source, "ann", "secret") as old:
        old.create(*FOLDERS)
        put(old, "Projects", ordinary(5))
        put(old, "Projects/Shared", ordinary(3, seed=1))
        set_acl(old, "Projects", "bob", "lrs")
        set_acl(old, "Projects", "cat", "lrswit")
        set_acl(old, "Projects", "anyone", "l")
        set_acl(old, "Projects/Shared", "bob", "lrswipkxtea")
        set_acl(old, "Projects/Shared", "-cat", "w")
        set_acl(old, "Private", "anyone", "p")
        return old.evidence()


def story_to(lab: Lab, source: Cyrus, destination, name: str, is_anyone_taken: bool) -> None:
    before = fill(source)
    if isinstance(destination, Cyrus):
        for user in NEW_USERS:
            Mailbox(destination, user, "secret").close()
    backfill = backfill_of(lab, source, destination, name)
    with Mailbox(destination, "ann", "secret") as new:
        new.create("Projects")
        set_acl(new, "Projects", "cat", "lrsa")  # given there already
    backfill.run("ann").ok()
    with Mailbox(source, "ann", "secret") as old:
        assert old.evidence() == before, "the source was touched"
    with Mailbox(destination, "ann", "secret") as new:
        projects, shared = acl(new, "Projects"), acl(new, "Projects/Shared")
        private = acl(new, "Private")
    assert projects["robert"] == set("lrs"), projects
    assert projects["cat"] == set("lrswita"), projects
    assert shared["robert"] == set("lrswipkxtea"), shared
    assert shared["-cat"] == set("w"), shared
    assert "bob" not in projects and "bob" not in shared, (projects, shared)
    assert ("anyone" in projects) == is_anyone_taken == ("anyone" in private), (projects, private)
    notes = {row["mailbox"]: row["reason"] for row in backfill.report("ann")["acls"]}
    assert set(notes) == (set() if is_anyone_taken else {"Projects", "Private"}), notes
    if not is_anyone_taken:
        assert "anyone: refused: " in notes["Private"], notes
        assert "Private" in backfill.backfill("report", "ann").out
    later_passes(source, destination, backfill)
    backfill.stop()


def later_passes(source: Cyrus, destination, backfill: Backfill) -> None:
    done = len(re.findall("acl_set", backfill.log()))
    backfill.run("ann").ok()
    with Mailbox(source, "ann", "secret") as old, Mailbox(destination, "ann", "secret") as new:
        set_acl(old, "Projects", "cat", "lrswipkxte")
        put(old, "INBOX", ordinary(1, seed=9))
        new.command("DELETEACL", '"Projects/Shared"', '"robert"')  # its owner has thought again
    backfill.run("ann").ok()
    with Mailbox(destination, "ann", "secret") as new:
        projects, shared = acl(new, "Projects"), acl(new, "Projects/Shared")
    assert projects["cat"] == set("lrswipkxtea"), projects
    assert "robert" not in shared, "what the owner has taken away there came back"
    assert len(re.findall("acl_set", backfill.log())) == done + 1, backfill.log()


def nothing_to_do(lab: Lab, source: Cyrus) -> None:
    """A destination without ACL, and lists that nobody wants."""
    for name, options, settings in (
        ("no-acl", {}, {}),
        ("not-wanted", {"acl": True}, {"acls": False}),
    ):
        destination = Dovecot(lab, NEW_USERS, **options).start()
        backfill = Backfill(lab, source, destination, {"ann": "secret"}, name=name, **settings)
        backfill.start()
        backfill.run("ann").ok()
        assert "acl_set" not in backfill.log() and backfill.report("ann")["acls"] == []
        backfill.run("ann").ok()
        backfill.stop()
        if options:
            with Mailbox(destination, "ann", "secret") as new:
                assert "robert" not in acl(new, "Projects") and "bob" not in acl(new, "Projects")
        destination.stop()


def story(lab: Lab) -> None:
    source = Cyrus(lab, USERS, name="old").start()
    story_to(lab, source, Dovecot(lab, NEW_USERS, acl=True).start(), "to-dovecot", False)
    with Mailbox(source, "ann", "secret") as old:
        set_acl(old, "Projects", "cat", "lrswit")
        for folder in reversed(FOLDERS):
            old.delete(folder)
        old.expunge("INBOX", old.uids("INBOX"))
    story_to(lab, source, Cyrus(lab, NEW_USERS, name="new").start(), "to-cyrus", True)
    nothing_to_do(lab, source)


run(story)
