"""Where the mail goes may change: another server, a mailbox made anew, a folder that its user removes,
two folders that become one. Nothing is called copied that is not there, and nothing comes twice."""

import pathlib
import sys
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from scripted_imap import ScriptedImap
from scripted_personality import MODERN
from siding_lab import Lab, run, wait_until

ANN = ("ann", "secret")
COUNT = 20


def octets(folder: str, number: int) -> bytes:
    return b"Message-ID: <%d@example>\r\nSubject: %s\r\n\r\ntext\r\n" % (number, folder.encode())


def server(lab: Lab, folders: tuple[str, ...] = ()) -> ScriptedImap:
    made = ScriptedImap(lab, dict([ANN]), MODERN).start()
    for name in folders:
        made.accounts["ann"].create(name)
    return made


def filled(lab: Lab, folders: tuple[str, ...] = ("INBOX", "Sent")) -> ScriptedImap:
    source = server(lab, tuple(name for name in folders if name != "INBOX"))
    for name in folders:
        for number in range(COUNT):
            source.folder("ann", name).add(octets(name, number))
    return source


def mail(of: ScriptedImap, name: str) -> Counter[bytes]:
    return Counter(message.octets for message in of.folder("ann", name).messages)


def is_copied(backfill: Backfill, source: ScriptedImap, destination: ScriptedImap) -> None:
    for name in ("INBOX", "Sent"):
        assert mail(destination, name) == mail(source, name), name
    verdicts = backfill.verify("ann", "--json").ok().json()["accounts"][0]["verdicts"]
    assert set(verdicts) == {"exact"}, verdicts


def another_server(lab: Lab) -> None:
    source, first, second = filled(lab), server(lab), server(lab)
    backfill = Backfill(lab, source, first, dict([ANN]), name="another").start()
    backfill.run("ann").ok()
    is_copied(backfill, source, first)
    # The accounts file names another one now: first a verification sees it, then a pass.
    backfill.destination = second
    backfill.write_accounts(dict([ANN]))
    backfill.restart()
    done = backfill.verify("ann")
    assert done.code == 1 and "run a pass first" in done.out + done.err, done.out + done.err
    backfill.run("ann").ok()
    assert "destination_changed" in backfill.log()
    is_copied(backfill, source, second)
    backfill.backfill("run", "ann", "--final", "--quiet", "1s", "--wait").ok()
    # And back: what is there is found by its octets.
    source.folder("ann", "Sent").add(octets("Sent", 100))
    backfill.destination = first
    backfill.write_accounts(dict([ANN]))
    backfill.restart()
    backfill.run("ann").ok()
    is_copied(backfill, source, first)
    for each in (backfill, source, first, second):
        each.stop()


def made_anew(lab: Lab) -> None:
    """The same address, and a server that has been set up again: a final pass looks."""
    source, destination = filled(lab), server(lab)
    backfill = Backfill(lab, source, destination, dict([ANN]), name="anew").start()
    backfill.run("ann").ok()
    is_copied(backfill, source, destination)
    for name in ("INBOX", "Sent"):
        folder = destination.folder("ann", name)
        folder.remove({message.uid for message in folder.messages[:15]})
        folder.change_uid_validity()
    backfill.backfill("run", "ann", "--final", "--quiet", "1s", "--wait").ok()
    is_copied(backfill, source, destination)
    for each in (backfill, source, destination):
        each.stop()


def folder_removed(lab: Lab) -> None:
    """Its user has done that: the others are judged, and only what is new comes there."""
    source, destination = filled(lab), server(lab)
    backfill = Backfill(lab, source, destination, dict([ANN]), name="removed").start()
    backfill.run("ann").ok()
    is_copied(backfill, source, destination)
    del destination.accounts["ann"].folders["Sent"]
    verdicts = backfill.verify("ann", "--json").ok().json()["accounts"][0]["verdicts"]
    assert verdicts == {"exact": COUNT, "deleted": COUNT}, verdicts
    source.folder("ann", "Sent").add(octets("Sent", 100))
    backfill.run("ann").ok()
    assert mail(destination, "Sent") == Counter([octets("Sent", 100)]), mail(destination, "Sent")
    for each in (backfill, source, destination):
        each.stop()


def two_become_one(lab: Lab) -> None:
    """Two identical messages stay two; a move between the two changes nothing there."""
    source, destination = filled(lab, ("INBOX", "A", "B")), server(lab)
    for number in range(COUNT):
        source.folder("ann", "B").add(octets("A", number))
    backfill = Backfill(lab, source, destination, dict([ANN]), name="one")
    backfill.accounts_file.write_text(
        "\n".join(
            line + ("," + ("map" if number == 0 else "A=All|B=All"))
            for number, line in enumerate(backfill.accounts_file.read_text().splitlines())
        )
        + "\n"
    )
    backfill.start()
    backfill.run("ann").ok()
    wanted = mail(source, "A") + mail(source, "B")
    assert mail(destination, "All") == wanted, mail(destination, "All") - wanted
    moved = source.folder("ann", "A").messages[0]
    source.folder("ann", "A").remove({moved.uid})
    source.folder("ann", "B").add(moved.octets)
    backfill.run("ann").ok()
    assert backfill.account("ann")["moved"] == 1, backfill.account("ann")
    assert mail(destination, "All") == wanted
    verdicts = backfill.verify("ann", "--json").ok().json()["accounts"][0]["verdicts"]
    assert verdicts == {"exact": 4 * COUNT}, verdicts
    for each in (backfill, source, destination):
        each.stop()


def one_order_behind_the_other(lab: Lab) -> None:
    """An order that meets another one waits; none is thrown away."""
    source, destination = filled(lab), server(lab)
    backfill = Backfill(lab, source, destination, dict([ANN]), name="behind").start()
    backfill.run("ann").ok()
    destination.folder("ann", "INBOX").remove({3})
    source.folder("ann", "Sent").add(octets("Sent", 100))
    slow = source.fault("delay", at="FETCH.message", seconds=1.0)
    backfill.backfill("run", "ann").ok()
    wait_until(lambda: slow.met > 0, "the pass is under way")
    done = backfill.verify("ann", "--json")
    verdicts = done.json()["accounts"][0]["verdicts"]
    assert done.code == 1 and verdicts == {"exact": 2 * COUNT, "missing": 1}, verdicts
    assert mail(destination, "Sent") == mail(source, "Sent")
    for each in (backfill, source, destination):
        each.stop()


def story(lab: Lab) -> None:
    for part in (another_server, made_anew, folder_removed, two_become_one, one_order_behind_the_other):
        if not sys.argv[1:] or part.__name__ in sys.argv[1:]:
            part(lab)
            print(part.__name__, flush=True)


run(story)
