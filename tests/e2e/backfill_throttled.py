"""Servers that want less of us: fewer connections, a rest, so much a day. Everything arrives exactly,
whoever waits lets the others by, and says for what and until when."""

import hashlib
import pathlib
import signal
import sys
import time
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from scripted_imap import ScriptedImap
from scripted_personality import GMAIL, MODERN
from siding_lab import Lab, run, wait_until

ANN, BOB = ("ann", "secret"), ("bob", "other")
FOLDERS = ("INBOX", "One", "Two", "Three", "Four", "Five")
COUNT = 250  # in each: worth several pairs of connections
ASKS_FOR_LONG = "Request is throttled. Suggested Backoff Time: 12000 milliseconds"
ASKS_FOR_LITTLE = "Request is throttled. Suggested Backoff Time: 300 milliseconds"
DOVECOT = (
    "[UNAVAILABLE] Maximum number of connections from user+IP exceeded"
    " (mail_max_userip_connections=2)"
)


def octets(number: int, user: str = "ann") -> bytes:
    filler = b"".join(b"line %d of message %d\r\n" % (n, number) for n in range(30))
    head = b"Message-ID: <%d@%s.example>\r\nSubject: %d\r\n\r\n" % (number, user.encode(), number)
    return head + filler


def shas(server: ScriptedImap, user: str, folders=FOLDERS) -> Counter[str]:
    found: Counter[str] = Counter()
    for folder in folders:
        messages = server.folder(user, folder).messages
        found += Counter(hashlib.sha256(message.octets).hexdigest() for message in messages)
    return found


class World:
    number = 0

    def __init__(
        self, lab: Lab, users=(ANN,), source=MODERN, destination=MODERN, folders=FOLDERS,
        count=COUNT, settings=None,
    ):  # fmt: skip
        World.number += 1
        self.folders, self.users = folders, dict(users)
        self.source = ScriptedImap(lab, self.users, source).start()
        self.destination = ScriptedImap(lab, self.users, destination).start()
        for user in self.users:
            for place, folder in enumerate(folders):
                for number in range(count):
                    mail = octets(place * count + number, user)
                    self.source.folder(user, folder).add(mail, ("\\Seen",), 1.7e9 + number)
        name = f"backfilld{World.number}"
        self.backfill = Backfill(
            lab, self.source, self.destination, self.users, name=name, **(settings or {})
        ).start()

    def assert_each_once(self, *users: str) -> None:
        for user in users or self.users:
            there, wanted = shas(self.destination, user, self.folders), shas(
                self.source, user, self.folders
            )
            assert there == wanted, (
                f"{user}: {sum((there - wanted).values())} too many,"
                f" {sum((wanted - there).values())} missing"
            )

    def server(self, side: str) -> dict:
        servers = self.backfill.api("GET", "/v1/backfill")["servers"]
        return next(server for server in servers if server["side"] == side)

    def hold(self, user: str) -> dict | None:
        return self.backfill.account(user)["hold"]

    def restart(self, side: str, **settings) -> None:
        self.backfill.stop()
        self.backfill.config["backfill"][side].update(settings)
        self.backfill.write_config()
        self.backfill.start()

    def reload(self) -> None:
        self.backfill.write_config()
        self.backfill.signal(signal.SIGHUP)
        self.backfill.wait_log(r"\breloaded\b")

    def end(self) -> None:
        self.backfill.stop()
        self.source.stop()
        self.destination.stop()


def many_pairs_where_nobody_complains(lab: Lab) -> None:
    world = World(lab)
    world.backfill.run("ann").ok()
    world.assert_each_once()
    assert world.source.most_connections == 4, world.source.most_connections
    servers = world.backfill.api("GET", "/v1/backfill")["servers"]
    assert all(server["permits"] == server["connections"] == 0 for server in servers), servers
    world.end()


def two_connections_and_no_third(lab: Lab) -> None:
    """It settles at what the server takes, and the account is not failed by it."""
    for side, words in (("source", DOVECOT), ("destination", "[LIMIT] too many connections")):
        world = World(lab)
        limited = getattr(world, side)
        limited.connections_max, limited.connections_words = 2, words
        ran = world.backfill.run("ann")
        assert ran.code == 0, f"{side}: {ran.out}{ran.err}"
        world.assert_each_once()
        assert limited.connections_refused >= 1, "nothing was refused"
        before = limited.connections_refused
        assert before <= 3, f"{before} refusals: it has not learned"
        assert world.server(side)["users_limited"] == 1, world.server(side)
        # It has learned: the next pass does not ask for a third one.
        for folder in FOLDERS:
            for number in range(COUNT):
                world.source.folder("ann", folder).add(octets(10**6 + number), (), 1.7e9)
        world.backfill.run("ann").ok()
        world.assert_each_once()
        assert limited.connections_refused == before, "it was asked for a third one again"
        world.end()


def one_connection_of_all(lab: Lab) -> None:
    """A server with room for one: two accounts, one after the other, and both come to their end."""
    world = World(lab, users=(ANN, BOB), folders=("INBOX", "One"), count=120)
    world.restart("source", connections=1)
    world.backfill.run().ok()
    world.assert_each_once()
    assert world.source.most_connections == 1
    world.end()


def throttled_for_long(lab: Lab) -> None:
    """The account says for what it waits and until when; others go on; nothing is lost."""
    for side, fault in (
        ("source", dict(action="no", at="LOGIN", text=f"[THROTTLED] {ASKS_FOR_LONG}")),
        ("source", dict(action="bad", at="FETCH.message", nth=60, text=ASKS_FOR_LONG)),
        ("destination", dict(action="bad", at="APPEND.message", nth=60, text=ASKS_FOR_LONG)),
    ):
        world = World(
            lab, users=(ANN, BOB), folders=("INBOX", "One"), settings={"auth": "login"}
        )
        met = getattr(world, side).fault(user="ann" if fault["at"] != "LOGIN" else None, **fault)
        began = time.monotonic()
        world.backfill.backfill("run").ok()
        held = wait_until(
            lambda: next((user for user in world.users if world.hold(user)), None), "one waits"
        )
        hold = world.hold(held)
        assert hold and hold["until"] and "throttled by" in hold["reason"], hold
        assert "Backoff Time" in hold["reason"], hold
        other = "bob" if held == "ann" else "ann"
        wait_until(lambda: world.backfill.account(other)["clean"], "the other one goes on")
        assert time.monotonic() - began < 11, "the other one has waited, too"
        wait_until(lambda: world.backfill.account(held)["phase"] == "waiting", "its place is free")
        shown = world.backfill.backfill("status").ok().out
        assert "throttled by" in shown, shown
        wait_until(lambda: world.backfill.account(held)["clean"], "it goes on by itself", 60)
        assert time.monotonic() - began > 11, "it has not waited"
        assert met.met > 0
        world.assert_each_once()
        assert world.server(side)["throttled"] >= 1
        world.end()


def throttled_for_a_moment(lab: Lab) -> None:
    for side, at in (("source", "FETCH.message"), ("destination", "APPEND"), ("source", "EXAMINE")):
        world = World(lab, folders=("INBOX", "One"))
        getattr(world, side).fault("bad", at=at, nth=2, times=2, text=ASKS_FOR_LITTLE)
        ran = world.backfill.run("ann")
        assert ran.code == 0, f"{side} {at}: {ran.out}{ran.err}"
        world.assert_each_once()
        world.end()


def goodbye_for_too_much(lab: Lab) -> None:
    """Gmail ends the connection, and names no time: an hour is what is known of it."""
    world = World(lab, source=GMAIL, folders=("INBOX",))
    words = "[ALERT] Account exceeded command or bandwidth limits. (Failure)"
    world.source.fault("bye", at="FETCH.message", nth=50, text=words)
    world.backfill.backfill("run", "ann").ok()
    hold = wait_until(lambda: world.hold("ann"), "it waits")
    assert "bandwidth limits" in hold["reason"], hold
    wait_until(lambda: world.backfill.account("ann")["phase"] == "waiting", "its place is free")
    world.end()


def daily_budget(lab: Lab) -> None:
    """So much a day and no more, also after a restart; then it waits for midnight, and says so."""
    size = len(octets(0))
    budget = 300 * size
    for side in ("source", "destination"):
        world = World(lab, users=(ANN, BOB))
        world.restart(side, daily_account=f"{budget}B")
        world.backfill.backfill("run", "ann").ok()
        wait_until(lambda: world.backfill.account("ann")["phase"] == "waiting", "it waits")
        hold = wait_until(lambda: world.hold("ann"), "the budget is used up")
        assert "daily budget of" in hold["reason"] and "00:00 UTC" in hold["reason"], hold
        assert hold["until"].endswith("T00:00:00.000Z"), hold
        account = world.backfill.account("ann")
        assert account["phase"] == "waiting", account
        copied = sum(shas(world.destination, "ann").values())
        assert 230 <= copied <= 340, f"{copied} of about 300"
        assert account["octets_left"] > 0 and account["eta"]["done_at"], account
        assert 4 <= len(account["eta"]["days"]) <= 5, account["eta"]
        shown = world.backfill.backfill("status", "ann").ok().out
        assert " · " in shown and "daily budget" in shown, shown
        # Another account has its own.
        world.backfill.backfill("run", "bob").ok()
        wait_until(lambda: world.hold("bob"), "his is used up, too")
        # A restart does not forget.
        assert world.backfill.stop() == 0
        world.backfill.start()
        world.backfill.backfill("run", "ann").ok()
        wait_until(lambda: world.hold("ann"), "still used up")
        again = sum(shas(world.destination, "ann").values())
        assert again == copied, f"{again - copied} more on the same day"
        # A larger budget lets it go on at once.
        world.backfill.config["backfill"][side]["daily_account"] = "100MiB"
        world.reload()
        wait_until(lambda: world.backfill.account("ann")["clean"], "it goes on", 60)
        world.assert_each_once("ann")
        world.end()


def bandwidth(lab: Lab) -> None:
    """Smooth, and another rate counts at once."""
    world = World(lab, folders=("INBOX",), count=1500, settings={"bandwidth": "50KiB"})
    world.backfill.backfill("run", "ann").ok()
    time.sleep(6)
    half = world.backfill.account("ann")
    assert 25_000 < half["octets_per_second"] < 75_000, half
    assert half["eta"] and half["eta"]["done_at"], half
    world.backfill.config["backfill"]["bandwidth"] = "0B"
    world.reload()
    wait_until(lambda: world.backfill.account("ann")["clean"], "the rest comes at once", 10)
    world.assert_each_once()
    world.end()


STORIES = (
    many_pairs_where_nobody_complains, two_connections_and_no_third, one_connection_of_all,
    throttled_for_a_moment, throttled_for_long, goodbye_for_too_much,
    daily_budget, bandwidth,
)  # fmt: skip


def story(lab: Lab) -> None:
    for part in STORIES:
        if not sys.argv[1:] or part.__name__ in sys.argv[1:]:
            began = time.monotonic()
            part(lab)
            print(f"{part.__name__} {time.monotonic() - began:.1f}s", flush=True)


run(story)
