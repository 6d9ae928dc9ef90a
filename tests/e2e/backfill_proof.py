"""What is proved, and to whom: a message that somebody changes at the destination is found by a
verification and by the manifest, a manifest that somebody changes is found out, a sample says what
it proves, a canary leaves nothing behind, and an assessment touches nothing."""

import base64
import hashlib
import pathlib
import re
import shutil
import sys
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from imap_client import Mailbox
from imap_lab import Dovecot
from imap_mail import DATE, fill, head
from scripted_imap import ScriptedImap
from scripted_personality import MODERN
from siding_lab import Lab, Ran, binaries, run, wait_until

ANN = ("ann", "secret")
FOLDERS = {"INBOX": 120, "Sent": 40, "Projects/Größe & Co": 10}
MESSAGES = sum(FOLDERS.values())
COLUMNS = 13


def account(ran: Ran) -> dict[str, Any]:
    return ran.json()["accounts"][0]


def rows_of(manifest: str) -> list[list[str]]:
    lines = [line for line in manifest.splitlines() if not line.startswith("columns: ")]
    return [line.split("\t") for line in lines if line.count("\t") == COLUMNS - 1]


# --- verification and manifest ------------------------------------------------------------------
def everything_is_exact(backfill: Backfill, manifest: pathlib.Path) -> None:
    early = backfill.backfill("manifest", "ann").ok().out
    assert "No verification has been made" in early and "\nverified: never\n" in early
    done = backfill.verify("ann", "--json").ok()
    assert account(done)["verdicts"] == {"exact": MESSAGES}, done.out
    assert account(done)["verification"]["extra"] == 0, done.out
    backfill.backfill("manifest", "ann", "--to", str(manifest)).ok()
    text = manifest.read_text()
    assert f"\ntotal exact: {MESSAGES}\n" in text and "\nnote: " not in text, text[:2000]
    assert len(rows_of(text)) == MESSAGES
    assert "exists already" in backfill.backfill("manifest", "ann", "--to", str(manifest)).err


def the_manifest_is_true(destination: Dovecot, manifest: pathlib.Path) -> list[list[str]]:
    """As a script of somebody else would check it: which rows are not what the server gives."""
    wrong = []
    with Mailbox(destination, *ANN) as new:
        there = {(f, m.uid): m.sha for f in FOLDERS for m in new.messages(f)}
    for row in rows_of(manifest.read_text()):
        if there[row[3], int(row[5])] != row[6]:
            wrong.append(row)
    return wrong


def signatures_hold(lab: Lab, backfill: Backfill, manifest: pathlib.Path) -> None:
    key = backfill.backfill("manifest", "--public-key").ok().out.strip()
    key_file = lab.directory / "manifest.pub"
    key_file.write_text(f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n")
    secret = pathlib.Path(backfill.config["data_dir"]) / "backfill" / "manifest.key"
    assert secret.stat().st_mode & 0o777 == 0o600
    alone = lab.siding("backfill", "manifest", "verify", str(manifest)).ok()
    assert "whose key it is" in alone.out and key in alone.out, alone.out
    for given in (key, str(key_file)):
        done = lab.siding("backfill", "manifest", "verify", str(manifest), "--public-key", given).ok()
        assert "with the key that was given" in done.out, done.out
    other = base64.b64encode(base64.b64decode(key)[:12] + hashlib.sha256(b"x").digest()).decode()
    done = lab.siding("backfill", "manifest", "verify", str(manifest), "--public-key", other)
    assert done.code == 1 and "another public key" in done.out, done.out

    # Without Siding, as docs/backfill.md says.
    *above, digest, signature = manifest.read_text().splitlines(keepends=True)
    assert digest == f"sha256: {hashlib.sha256(''.join(above).encode()).hexdigest()}\n"
    if shutil.which("openssl"):
        (lab.directory / "digest").write_text(digest)
        signed = base64.b64decode(signature.removeprefix("signature: "))
        (lab.directory / "signature").write_bytes(signed)
        done = lab.run(
            "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(key_file), "-rawin",
            "-in", str(lab.directory / "digest"), "-sigfile", str(lab.directory / "signature"),
        )  # fmt: skip
        assert done.code == 0, done.out + done.err

    lines = manifest.read_text().splitlines(keepends=True)
    changed = next(n for n, line in enumerate(lines) if line.startswith("Sent\t"))
    lines[changed] = lines[changed].replace("\texact\t", "\tmissing\t")
    forged = lab.directory / "forged"
    forged.write_text("".join(lines))
    done = lab.siding("backfill", "manifest", "verify", str(forged), "--json")
    assert done.code == 1, done.out
    assert f"line {changed + 1}: was changed" in done.json()["problems"][0], done.out


def changed_file(destination: Dovecot, text: bytes) -> pathlib.Path:
    """Of the message that says so; one letter of it is another now."""
    for path in (destination.mail / "ann").rglob("cur/*"):
        octets = path.read_bytes()
        if text in octets:
            path.write_bytes(octets.replace(text, text.swapcase()))
            return path
    raise AssertionError(f"no message says {text!r}")


def a_changed_message_is_found(
    lab: Lab, destination: Dovecot, backfill: Backfill, manifest: pathlib.Path
) -> None:
    assert not the_manifest_is_true(destination, manifest)
    changed_file(destination, b"The one that somebody changes.")
    wrong = the_manifest_is_true(destination, manifest)
    assert len(wrong) == 1, wrong
    done = backfill.verify("ann", "--json")
    assert done.code == 1 and account(done)["verdicts"]["body rewritten"] == 1, done.out
    report = backfill.report("ann")
    assert [e["subject"] for e in report["exceptions"]] == ["evidence"], report["exceptions"]
    text = backfill.backfill("manifest", "ann").ok().out
    named = [row for row in rows_of(text) if row[9] != "exact"]
    assert [(row[5], row[9]) for row in named] == [(wrong[0][5], "body rewritten")], named
    every = backfill.verify("ann", "--sample", "100%", "--json")
    assert every.code == 1 and "1 wrong of" in account(every)["verification"]["statement"], every.out
    # A sample looks at what was wrong the last time, whatever it chooses.
    some = backfill.verify("ann", "--sample", "1", "--json")
    assert some.code == 1 and account(some)["verdicts"]["body rewritten"] == 1, some.out
    changed_file(destination, b"tHE ONE THAT SOMEBODY CHANGES.")
    backfill.verify("ann").ok()


def samples_say_what_they_prove(backfill: Backfill) -> None:
    done = account(backfill.verify("ann", "--sample", "10%", "--json").ok())
    made = done["verification"]
    assert made["sampled"] and made["looked_at"] == 12 + 4 + 1 and made["messages"] == MESSAGES, made
    assert done["verdicts"] == {"exact": 17, "not sampled": MESSAGES - 17}, done
    assert "0 wrong of 17 sampled of 170: fewer than 16.16 % wrong with 95 % confidence" in made["statement"], made
    again = account(backfill.verify("ann", "--sample", "10%", "--seed", str(made["seed"]), "--json").ok())
    assert again["verification"]["seed"] == made["seed"]
    seen = backfill.verify("ann", "--sample", "30").ok()
    assert "0 wrong of 70 sampled of 170" in seen.out.replace("\n", " "), seen.out
    text = backfill.backfill("manifest", "ann").ok().out
    assert "The last verification read a random sample (30 of each mailbox" in text, text[:3000]
    for wrong in ("0%", "five", "-3"):
        assert backfill.verify("ann", f"--sample={wrong}").code in (1, 2), wrong
    assert backfill.verify("ann", "--seed", "1").code == 2


def new_mail_is_no_fault(destination: Dovecot, backfill: Backfill) -> None:
    with Mailbox(destination, *ANN) as new:
        new.append("INBOX", head("Brand new") + b"\r\nArrived here.\r\n", date=DATE + 5)
    done = backfill.verify("ann", "--json").ok()
    assert account(done)["verification"]["extra_by_mailbox"] == {"INBOX": 1}, done.out
    assert "1 message there besides" in backfill.verify("ann").ok().out
    backfill.restart()
    listed = backfill.report("ann")["verification"]["extras"]
    assert [(e["mailbox"], e["subject"]) for e in listed] == [("INBOX", "Brand new")], listed
    assert "Brand new" in backfill.backfill("report", "ann").ok().out
    text = backfill.backfill("manifest", "ann").ok().out
    assert "1 messages at the destination that Siding has not brought there" in text
    backfill.run("ann").ok()
    text = backfill.backfill("manifest", "ann").ok().out
    assert "\nnote: Pass 2 came after the last verification, which was made after pass 1" in text


# --- canary -------------------------------------------------------------------------------------
def everything(server: Any) -> tuple[Any, ...]:
    with Mailbox(server, *ANN) as mailbox:
        return mailbox.evidence(), mailbox.subscriptions(), sorted(mailbox.folders())


def a_canary_leaves_nothing(source: Dovecot, destination: Dovecot, backfill: Backfill) -> None:
    before = everything(source), everything(destination)
    done = backfill.backfill("accounts", "check", "ann", "--canary", "--json").ok()
    canary = account(done)["canary"]
    assert canary["go"] and canary["folder"].startswith("Siding canary ") and not canary["left_behind"], canary
    assert (everything(source), everything(destination)) == before
    shown = backfill.backfill("accounts", "check", "ann", "--canary").ok()
    assert " GO" in shown.out and "NO-GO" not in shown.out, shown.out
    assert account(backfill.backfill("accounts", "check", "ann", "--json").ok())["canary"] is None


def a_full_quota_says_no(lab: Lab, source: Dovecot) -> None:
    small = Dovecot(lab, dict([ANN]), name="small", quota_bytes=100_000).start()
    backfill = Backfill(lab, source, small, dict([ANN]), name="small-backfill").start()
    before = everything(small)
    done = backfill.backfill("accounts", "check", "ann", "--canary", "--json")
    canary = account(done)["canary"]
    reasons = [reason["text"] for reason in canary["reasons"] if reason["blocking"]]
    assert done.code == 1 and not canary["go"], canary
    assert len(reasons) == 1 and reasons[0].startswith("quota: "), reasons
    assert everything(small) == before
    shown = backfill.backfill("accounts", "check", "ann", "--canary")
    assert shown.code == 1 and "NO-GO: quota: " in shown.out, shown.out
    backfill.stop()


def what_cannot_be_removed_is_named(lab: Lab, source: Dovecot) -> None:
    server = ScriptedImap(lab, dict([ANN]), MODERN.having(append_limit=2_000)).start()
    backfill = Backfill(lab, source, server, dict([ANN]), name="scripted-backfill").start()

    def check() -> tuple[int, dict[str, Any]]:
        done = backfill.backfill("accounts", "check", "ann", "--canary", "--json")
        return done.code, account(done)["canary"]

    code, canary = check()
    assert code == 0 and canary["go"], canary
    # The answer to APPEND is lost, and with it the connection: another one clears up.
    server.fault("drop", at="APPEND.done")
    code, canary = check()
    assert code == 1 and not canary["left_behind"], canary
    assert sorted(server.accounts["ann"].folders) == ["INBOX"], server.accounts["ann"].folders
    server.fault("no", at="DELETE", text="[SERVERBUG] not today")
    code, canary = check()
    assert code == 1 and canary["left_behind"] == [canary["folder"]], canary
    left = canary["folder"]
    code, canary = check()
    assert code == 0 and canary["left_behind"] == [left] and canary["folder"] != left, canary
    assert left in backfill.backfill("accounts", "check", "ann", "--canary").out
    # What a crash leaves behind is named by the next check, and nobody removes it but a person.
    said = len(server.journal)
    server.fault("delay", at="APPEND", seconds=5.0)
    checking = lab.start_process(
        str(binaries() / "siding"), "--socket", backfill.socket_path, "backfill", "accounts", "check", "--canary"
    )  # fmt: skip
    wait_until(lambda: any(each.name == "APPEND" for each in server.journal[said:]), "the canary goes")
    backfill.kill()
    checking.wait(30)
    backfill.start()
    code, canary = check()
    assert code == 0 and len(canary["left_behind"]) == 2 and left in canary["left_behind"], canary
    server.fault("no", at="CREATE", text="[NOPERM] no folders here")
    code, canary = check()
    assert code == 1, canary
    assert any("a folder cannot be made" in reason["text"] for reason in canary["reasons"]), canary
    assert not server.strangers, server.strangers
    backfill.stop()


# --- sizes tell, too ----------------------------------------------------------------------------
def a_sample_sees_other_sizes(lab: Lab, source: Dovecot) -> None:
    server = ScriptedImap(lab, dict([ANN])).start()
    backfill = Backfill(lab, source, server, dict([ANN]), name="sizes").start()
    backfill.run("ann").ok()
    fetched = len([said for said in server.journal if "BODY.PEEK[]" in said.line])
    done = backfill.verify("ann", "--sample", "1", "--seed", "3", "--json").ok()
    assert account(done)["verification"]["looked_at"] == 3, done.out
    assert len([said for said in server.journal if "BODY.PEEK[]" in said.line]) - fetched == 3
    folder = server.folder("ann", "INBOX")
    folder.messages[17].octets += b"And this, too.\r\n"
    folder.remove({folder.messages[3].uid})
    done = backfill.verify("ann", "--sample", "1", "--seed", "3", "--json")
    verdicts = account(done)["verdicts"]
    assert done.code == 1 and verdicts["body rewritten"] == 1, verdicts
    assert verdicts.get("missing", 0) + verdicts.get("deleted", 0) == 1, verdicts
    assert "1 more compared (another size, or wrong before): 1 wrong" in account(done)["verification"]["statement"]
    backfill.stop()


# --- lost connections ---------------------------------------------------------------------------
def a_lost_connection_costs_a_page(lab: Lab) -> None:
    """A verification goes on where it was: every message has one verdict, and few are read twice."""
    count = 1300  # some pages of rows
    source = ScriptedImap(lab, dict([ANN])).start()
    server = ScriptedImap(lab, dict([ANN])).start()
    source.accounts["ann"].create("Sent")
    for number in range(count):
        folder = "Sent" if number % 100 == 0 else "INBOX"
        source.folder("ann", folder).add(b"Subject: %d\r\n\r\n%d\r\n" % (number, number))
    backfill = Backfill(lab, source, server, dict([ANN]), name="lost").start()
    backfill.run("ann").ok()
    for number in range(3):
        server.folder("ann", "INBOX").add(b"Subject: extra %d\r\n\r\nnew\r\n" % number)
    answers = server.fault("never", at="FETCH.message", nth=10**9)  # it counts
    server.fault("drop", at="FETCH.message", nth=700, after_octets=10)
    server.fault("drop", at="FETCH.message", nth=1250)
    source.fault("drop", at="EXAMINE", nth=2)
    done = backfill.verify("ann", "--json").ok()
    verdicts = account(done)["verdicts"]
    assert verdicts == {"exact": count}, verdicts
    verification = account(done)["verification"]
    assert (verification["messages"], verification["looked_at"]) == (count, count), verification
    assert verification["extra_by_mailbox"] == {"INBOX": 3}, verification
    assert count <= answers.met < 1.7 * count, f"{answers.met} messages were fetched"
    assert len(re.findall("connection_lost", backfill.log())) >= 3, "nothing was lost"
    backfill.stop()


# --- assess -------------------------------------------------------------------------------------
def an_assessment_touches_nothing(lab: Lab, source: Dovecot) -> None:
    destination = Dovecot(lab, dict([ANN]), name="assessed", separator=".", prefix="INBOX.").start()
    backfill = Backfill(lab, source, destination, dict([ANN]), name="assess")
    backfill.config["backfill"]["destination"]["daily_account"] = "64KiB"
    backfill.write_config()
    backfill.start()
    before = everything(source), everything(destination)
    assert "nothing was assessed" in backfill.backfill("assess", "--show").ok().out
    found = backfill.backfill("assess", "--wait", "--limit", "20KiB", "--json").ok().json()
    assert (everything(source), everything(destination)) == before
    ann = found["accounts"][0]
    with Mailbox(source, *ANN) as old:
        messages = [m for name in FOLDERS for m in old.messages(name)]
    octets = sum(m.size for m in messages)
    assert (ann["messages"], ann["octets"]) == (len(messages), octets), ann
    assert ann["largest"]["octets"] == max(m.size for m in messages), ann["largest"]
    over = len([m for m in messages if m.size > 20 * 1024])
    assert ann["over_limit"] == len(ann["over_limit_messages"]) == over > 0, ann
    assert found["time"]["days"] == -(-octets // (64 * 1024)), found["time"]
    assert not found["rate"]["measured"]
    shown = backfill.backfill("assess", "--wait", "ann").ok().out
    for words in ("assumed", "daily budget", "the destination does not say how large", "in all: 1 account"):
        assert words in shown, shown
    backfill.stop()


def story(lab: Lab) -> None:
    source = Dovecot(lab, dict([ANN])).start()
    destination = Dovecot(lab, dict([ANN])).start()
    backfill = Backfill(lab, source, destination, dict([ANN]))
    with Mailbox(source, *ANN) as old:
        fill(old, {name: number - 1 for name, number in FOLDERS.items()})
        old.append("INBOX", head("evidence") + b"\r\nThe one that somebody changes.\r\n", date=DATE)
        old.append("Sent", head("large") + b"\r\n" + b"All work and no play.\r\n" * 2000, date=DATE)
        old.append("Projects/Größe & Co", head("small") + b"\r\nShort.\r\n", date=DATE)
        before = old.evidence()
    backfill.start()
    a_canary_leaves_nothing(source, destination, backfill)
    backfill.run("ann").ok()
    manifest = lab.directory / "ann.manifest"
    everything_is_exact(backfill, manifest)
    signatures_hold(lab, backfill, manifest)
    a_changed_message_is_found(lab, destination, backfill, manifest)
    samples_say_what_they_prove(backfill)
    new_mail_is_no_fault(destination, backfill)
    backfill.stop()
    a_full_quota_says_no(lab, source)
    what_cannot_be_removed_is_named(lab, source)
    a_sample_sees_other_sizes(lab, source)
    a_lost_connection_costs_a_page(lab)
    an_assessment_touches_nothing(lab, source)
    with Mailbox(source, *ANN) as old:
        assert old.evidence() == before, "the source was touched"


run(story)
