"""The judge goes red for each lie: a harness that cannot find these proves nothing."""

import pathlib
import random
import tempfile
import unittest

from oracle import Oracle
from sample_mail import random_message
from smtp_sink import Delivery

TRACE = b"Received: from x (unknown [127.0.0.1])\r\n\tby hold.example.net (Siding) id 1; now\r\n"
ME = "me@example.com"


class OracleTest(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.file = pathlib.Path(self.directory.name) / "ledger"
        self.oracle = Oracle(self.file)
        self.addCleanup(self.directory.cleanup)
        self.addCleanup(self.oracle.close)

    def send(self, mail_id: str, code: int = 250, recipients: tuple[str, ...] = (ME,)) -> bytes:
        octets = random_message(random.Random(mail_id), mail_id, 500)
        self.oracle.sent(mail_id, octets, list(recipients))
        if code:
            self.oracle.answered(mail_id, code, 1.0)
        else:
            self.oracle.unanswered(mail_id)
        return octets

    def arrive(self, octets: bytes, at: float = 10.0, recipients: tuple[str, ...] = (ME,)) -> None:
        self.oracle.arrived(
            Delivery("s@x", list(recipients), octets, started_at=at, ended_at=at + 1, answer="250")
        )

    def test_all_is_well(self) -> None:
        self.arrive(TRACE + self.send("a"))
        self.send("b", 0)
        self.send("c", 451)
        found = self.oracle.judge()
        self.assertTrue(found.good, found)
        self.assertEqual((found.acknowledged, found.unknown, found.refused), (1, 1, 1))
        lines = self.file.read_text().splitlines()
        words = [line.split()[0] for line in lines]
        self.assertEqual(words, "SENT ACK SENT UNKNOWN SENT REJ".split())

    def test_lost(self) -> None:
        self.send("a")
        self.assertEqual(self.oracle.judge().lost, [f"a {ME}"])

    def test_lost_for_one_recipient(self) -> None:
        self.arrive(TRACE + self.send("a", recipients=(ME, "you@example.com")))
        self.assertEqual(self.oracle.judge().lost, ["a you@example.com"])

    def test_changed(self) -> None:
        octets = self.send("a")
        self.arrive(TRACE + octets[:-3] + b"!\r\n")
        self.assertEqual(self.oracle.judge().changed, [f"a {ME}"])

    def test_truncated(self) -> None:
        self.arrive(TRACE + self.send("a")[:-40])
        self.assertFalse(self.oracle.judge().good)

    def test_without_or_with_two_trace_headers(self) -> None:
        self.arrive(self.send("a"))
        self.arrive(TRACE + TRACE + self.send("b"))
        self.assertEqual(len(self.oracle.judge().changed), 2)

    def test_never_sent(self) -> None:
        self.arrive(TRACE + random_message(random.Random(1), "ghost", 100))
        self.arrive(TRACE + b"Subject: who\r\n\r\n")
        self.assertEqual(len(self.oracle.judge().strangers), 2)

    def test_wrong_recipient(self) -> None:
        octets = self.send("a")
        self.arrive(TRACE + octets, recipients=(ME, "other@example.com"))
        self.assertEqual(self.oracle.judge().strangers, ["a other@example.com"])

    def test_refused_but_arrived(self) -> None:
        self.arrive(TRACE + self.send("a", 550))
        self.assertEqual(self.oracle.judge().refused_arrived, ["a 550"])

    def test_duplicate_over_a_crash(self) -> None:
        octets = TRACE + self.send("a")
        self.arrive(octets, 10.0)
        self.oracle.crashed(10.5)
        self.arrive(octets, 12.0)
        found = self.oracle.judge()
        self.assertTrue(found.good, found)
        self.assertEqual(found.duplicates, [("a", ME)])

    def test_duplicate_without_a_crash(self) -> None:
        octets = TRACE + self.send("a")
        self.oracle.crashed(9.0)
        self.arrive(octets, 10.0)
        self.arrive(octets, 12.0)
        self.assertEqual(self.oracle.judge().unexplained, [f"a {ME}"])

    def test_third_copy_needs_its_own_crash(self) -> None:
        octets = TRACE + self.send("a")
        self.arrive(octets, 10.0)
        self.oracle.crashed(11.0)
        self.arrive(octets, 12.0)
        self.arrive(octets, 13.0)
        self.assertFalse(self.oracle.judge().good)

    def test_a_replay_is_wanted(self) -> None:
        octets = TRACE + self.send("a")
        self.arrive(octets, 10.0)
        self.arrive(octets, 20.0)
        self.oracle.replayed("a", ME)
        found = self.oracle.judge()
        self.assertTrue(found.good, found)
        self.assertEqual((found.duplicates, found.replayed), ([], 1))

    def test_a_replay_that_never_came(self) -> None:
        self.arrive(TRACE + self.send("a"))
        self.arrive(TRACE + self.send("b", 0))
        self.oracle.replayed("a", ME)
        self.oracle.replayed("b", ME)  # nobody was promised it, but it is in the queue
        self.assertEqual(self.oracle.judge().lost, [f"a {ME}", f"b {ME}"])

    def test_a_replay_that_was_changed(self) -> None:
        octets = TRACE + self.send("a")
        self.arrive(octets, 10.0)
        self.arrive(octets[:-3] + b"!\r\n", 20.0)
        self.oracle.replayed("a", ME)
        self.assertEqual(self.oracle.judge().changed, [f"a {ME}"])

    def test_one_more_than_was_replayed(self) -> None:
        octets = TRACE + self.send("a")
        for at in (10.0, 20.0, 30.0):
            self.arrive(octets, at)
        self.oracle.replayed("a", ME)
        self.assertEqual(self.oracle.judge().unexplained, [f"a {ME}"])
        self.oracle.crashed(25.0)
        found = self.oracle.judge()
        self.assertTrue(found.good, found)
        self.assertEqual(found.duplicates, [("a", ME)])


if __name__ == "__main__":
    unittest.main()
