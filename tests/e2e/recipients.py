"""Recipients from files of every form, and their new names; a broken file changes nothing."""

import pathlib
import re
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed, message
from siding_lab import Daemon, Lab, run, wait_until
from smtp_client import Reply, SmtpClient

FILES = {
    "people.txt": "# who is here\njoe@example.com\n\nSue@Example.COM   # the boss\n"
                  "plus+sales@example.com\n",
    "virtual": "virt@example.com   someone@else.example\n  another@else.example\n"
               "@virt.example      box@example.com\n# comment\nbare  x\n",
    "aliases": "# aliases(5)\nalias: joe, sue\n\"quoted alias\": joe\nlist: |/bin/false\n",
    "relay": "relay@example.com OK\n",
    "table.csv": 'Name,EmailAddress,Note\r\n"Doe, Jane",jane@example.com,"two\r\nlines"\r\n'
                 'Max,"max@example.com",\r\n',
    "catch.txt": "@all.example\n",
    "rewrite": "sales@example.com  joe@example.com, Sue@example.com,\n    crm@partner.example\n"
               "moved@example.com  moved.new@example.com\n@old.example  @example.com\n"
               "boss@any.example  sue@example.com\n"
               f"all@any.example  {', '.join(f'u{n}@example.com' for n in range(400))}\n",
}  # fmt: skip
KNOWN = (
    "joe@example.com", "JOE@EXAMPLE.com", "sue@example.com", "joe+tag@example.com",
    "joe+a+b@example.com",
    "plus+sales@example.com", "virt@example.com", "bare@example.com", "alias@example.com",
    "list@example.com",
    '"quoted alias"@example.com', "relay@example.com", "jane@example.com", "max@example.com",
    "any@all.example",
    "x+y@all.example", "whoever@any.example", "sales@example.com", "moved+x@example.com",
    "joe@old.example",
    "postmaster@example.com", "Postmaster",
)  # fmt: skip
UNKNOWN = (
    "nobody@example.com", "plus@example.com", "plus+other@example.com", "jo@example.com",
    "joee@example.com",
    "else@virt.example", "nobody@old.example", "joe-tag@example.com", "+tag@example.com",
    "x@sub.example.com",
    "someone@else.example",
)  # fmt: skip
FIXED = re.compile(r"5\.1\.1 <([^>]*)>: No such recipient here")


def rcpt(port: int, recipient: str) -> Reply:
    with SmtpClient(port) as client:
        client.ehlo()
        assert client.mail("ann@sender.example").code == 250
        return client.rcpt(recipient)


def write(path: pathlib.Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def gauge(daemon: Daemon, name: str, file: pathlib.Path) -> str:
    text = daemon.request("GET", "/metrics")[1].decode()
    found = re.search(rf'^{name}{{file="{re.escape(str(file))}"}} (\S+)$', text, re.M)
    return found.group(1) if found else ""


def story(lab: Lab) -> None:
    for name, text in FILES.items():
        (lab.directory / name).write_text(text, newline="")
    people, rewrite = lab.directory / "people.txt", lab.directory / "rewrite"
    new = lab.sink()
    imports = [
        {"file": "virtual", "format": "virtual"}, {"file": "aliases", "format": "aliases"},
        {"file": "relay", "format": "relay_recipients"},
        {"file": "table.csv", "format": "csv", "column": "EmailAddress"},
    ]  # fmt: skip
    config = lab.config(
        new=new,
        domains={
            # Paths are relative to the configuration, or absolute.
            "example.com": {
                "phase": "hold",
                "recipients": {"file": str(people), "import": imports},
                "rewrite": "rewrite",
            },
            "all.example": {"phase": "hold", "recipients": {"file": ["catch.txt"]}},
            "any.example": {"phase": "hold", "recipients": "any", "rewrite": "rewrite"},
            "old.example": {"phase": "hold", "recipients": {"file": str(people)},
            "rewrite": "rewrite"},
            "virt.example": {"phase": "hold", "recipients": {"file": str(people)}},
        },
    )
    daemon = lab.daemon(config).start()
    port = daemon.port

    for recipient in KNOWN:
        reply = rcpt(port, recipient)
        assert reply.code == 250, f"{recipient}: {reply}"
    for recipient in UNKNOWN:
        reply = rcpt(port, recipient)
        ours = recipient.partition("@")[2] in daemon.config["domains"]
        expected = (550, "5.1.1") if ours else (550, "5.7.1")
        assert (reply.code, reply.enhanced) == expected, f"{recipient}: {reply}"
        # One text for all: it says nothing about where was looked.
        assert not ours or FIXED.fullmatch(reply.text).group(1) == recipient, reply

    # What the operator is told, and what the exit code says.
    said = daemon.siding("recipients", "check", "joe+tag@example.com").ok().out
    assert "would be accepted" in said and "known" in said, said
    said = daemon.siding("recipients", "check", "nobody@example.com")
    assert said.code == 1 and "would be refused" in said.out, said
    said = daemon.siding("recipients", "check", "sales+q3@example.com", "--json").ok().json()
    names = ["joe+q3@example.com", "Sue+q3@example.com", "crm+q3@partner.example"]
    assert said["rewritten_to"] == names, said
    assert daemon.siding("recipients", "check", "x@elsewhere.example").code == 1

    # A list counts as all that it becomes: named often, it multiplies no mail.
    with SmtpClient(port) as client:
        client.ehlo()
        assert client.mail("ann@sender.example").code == 250
        replies = [client.rcpt(f"all+{n}@any.example") for n in range(3)]
        replies.append(client.rcpt("joe@example.com"))
        assert [reply.code for reply in replies] == [250, 250, 452, 250], replies
        assert replies[2].enhanced == "4.5.3", replies

    rewritten_mail(daemon, new)
    reloads(daemon, people, rewrite)
    daemon.assert_balanced(accepted=6, delivered=6, held=0)
    assert daemon.stop() == 0, daemon.log()

    # At start there is no last good one: it says which file, and does not run with half a truth.
    people.unlink()
    daemon.spawn()
    assert daemon.wait_exit() == 1
    assert str(people) in daemon.log() and "No such file" in daemon.log(), daemon.log()
    (lab.directory / "people.txt").write_text(FILES["people.txt"])
    daemon.start()
    assert rcpt(daemon.port, "joe@example.com").code == 250


def rewritten_mail(daemon: Daemon, new) -> None:
    """The envelope has the new names, the ledger both, the octets what came."""
    original = message("rewritten", extra=b"To: sales@example.com, joe@old.example\r\n")
    to = ["sales+q3@example.com", "moved@example.com", "Joe+x@old.example", "jane@example.com"]
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        assert client.transact("ann@sender.example", to, original).code == 250
    origins = {
        "joe+q3@example.com": to[0], "Sue+q3@example.com": to[0], "crm+q3@partner.example": to[0],
        "moved.new@example.com": to[1], "Joe+x@example.com": to[2], "jane@example.com": "",
    }  # fmt: skip
    rows = daemon.rows()
    assert {row["recipient"] for row in rows} == origins.keys(), rows
    for query in (to[0], "joe+x@old.example", "joe+q3@example.com", "crm+q3@partner.example"):
        (found,) = daemon.api("GET", "/v1/trace", query=query)["messages"]
        accepted = next(entry for entry in found["entries"] if entry["kind"] == "accepted")
        seen = {one["address"]: one.get("original", "") for one in accepted["recipients"]}
        assert seen == origins, f"{query}: {seen}"
        text = daemon.siding("trace", query).ok().out
        assert "crm+q3@partner.example (sent to sales+q3@example.com)" in text, text
        text = daemon.siding("trace", query, "--json").ok().out
        assert all(name in text for name in origins) and "Joe+x@old.example" in text, text
    daemon.release()
    delivered: set[str] = set()
    for delivery in new.all:
        assert_relayed(delivery.octets, original)
        delivered |= set(delivery.recipients)
    assert delivered == origins.keys(), delivered
    assert sum(len(delivery.recipients) for delivery in new.all) == len(origins)


def reloads(daemon: Daemon, people: pathlib.Path, rewrite: pathlib.Path) -> None:
    port, stale, entries = daemon.port, "siding_recipients_stale", "siding_recipients_entries"
    assert (gauge(daemon, entries, people), gauge(daemon, entries, rewrite)) == ("3", "5")

    # A change counts without being told.
    write(people, FILES["people.txt"] + "nobody@example.com\n")
    write(rewrite, FILES["rewrite"].replace("moved.new@", "moved.newer@"))
    wait_until(lambda: rcpt(port, "nobody@example.com").code == 250, "the new recipient")
    wait_until(lambda: "newer" in str(check(daemon, "moved@example.com")), "the new rule")
    assert gauge(daemon, entries, people) == "4"

    # Gone, and then malformed: the last good one counts, and both log and metric say so. SIGHUP
    # looks at once, and a broken file harms nothing else in it.
    for breaks, words in (
        (people.unlink, "No such file"),
        (lambda: people.write_text("joe@example.com\nthis is no address\n"), "line 2"),
        (lambda: (people.unlink(), people.mkdir()), "not a regular file"),
    ):
        said = len(daemon.log())
        breaks()
        reload(daemon)
        line = re.search(r"recipients_unreadable .*", daemon.log()[said:])
        assert line and words in line.group(0) and str(people) in line.group(0), daemon.log()[said:]
        assert "the last good content" in line.group(0), line
        assert gauge(daemon, stale, people) == "1" and gauge(daemon, stale, rewrite) in ("", "0")
        for name, code in (("joe", 250), ("nobody", 250), ("sue", 250), ("stranger", 550)):
            assert rcpt(port, f"{name}@example.com").code == code, f"{words}: {name}"
        if people.is_dir():
            people.rmdir()
    said = len(daemon.log())
    write(people, FILES["people.txt"])
    wait_until(lambda: rcpt(port, "nobody@example.com").code == 550, "it is read again")
    assert "recipients_readable" in daemon.log()[said:], daemon.log()[said:]
    assert gauge(daemon, stale, people) == "0"

    # The same for a rewrite map: mail goes on to where it went.
    said = len(daemon.log())
    rewrite.write_text("a@example.com b@example.com\na@example.com c@example.com\n")
    reload(daemon)
    assert "line 2" in daemon.log()[said:], daemon.log()[said:]
    assert check(daemon, "moved@example.com")["rewritten_to"] == ["moved.newer@example.com"]
    write(rewrite, FILES["rewrite"])
    reload(daemon)
    assert check(daemon, "moved@example.com")["rewritten_to"] == ["moved.new@example.com"]

    # An empty file is no list of recipients: somebody has cut it off.
    said = len(daemon.log())
    write(people, "")
    reload(daemon)
    assert rcpt(port, "joe@example.com").code == 250, daemon.log()[said:]
    write(people, FILES["people.txt"])
    reload(daemon)


def check(daemon: Daemon, address: str) -> dict:
    return daemon.api("GET", "/v1/recipients/check", address=address)


def reload(daemon: Daemon) -> None:
    before = daemon.log().count(" reloaded")
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: daemon.log().count(" reloaded") > before, "the reload")


run(story)
