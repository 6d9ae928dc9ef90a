"""The harness's client and sink agree on every octet, and the sink follows its script."""

import random
import unittest

from sample_mail import assert_relayed, random_message
from smtp_client import ConnectionClosed, SmtpClient, dot_stuff, normalize_newlines, send_mail
from smtp_sink import DROP, RecordingSink


class PeersTest(unittest.TestCase):
    def setUp(self) -> None:
        self.sink = RecordingSink()
        self.addCleanup(self.sink.stop)

    def test_octets_survive_stuffing_and_pieces(self) -> None:
        cases = [b"", b".\r\n", b"..\r\n.a\r\n", b"\r\n.\r\n\r\n"]
        cases.append(bytes({*range(256)} - {10, 13}) + b"\r\n")
        cases += [random_message(random.Random(seed), f"t-{seed}", 3000) for seed in range(20)]
        with SmtpClient(self.sink.port) as client:
            client.ehlo()
            for seed, octets in enumerate(cases):
                client.mail("a@sender.example")
                client.rcpt("b@example.com")
                self.assertEqual(client.command("DATA").code, 354)
                client.send_in_pieces(dot_stuff(octets), seed, 50)
                self.assertEqual(client.read_reply().code, 250)
        self.assertEqual([d.octets for d in self.sink.wait_for(len(cases))], cases)

    def test_only_crlf_ends_data(self) -> None:
        wire = b"a\n.\nb\r.\rc\r\n.\nd\n.\r\ne\r\n"
        with SmtpClient(self.sink.port) as client:
            client.send(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@c>\r\nDATA\r\n")
            client.send(wire + b".\r\nQUIT\r\n")
            codes = [client.read_reply().code for _ in range(6)]
        self.assertEqual(codes, [250, 250, 250, 354, 250, 221])
        self.assertEqual(self.sink.deliveries[0].octets, wire.replace(b"\r\n.\n", b"\r\n\n"))

    def test_script(self) -> None:
        self.sink.answer("RCPT", "550 5.1.1 nobody", address="x@example.com")
        self.sink.answer("DOT", "451 4.3.0 later", times=1)
        self.sink.answer("DOT", DROP, times=1)
        send = lambda to: send_mail(self.sink.port, "a@b.example", to, b"x\r\n")  # noqa: E731
        self.assertEqual(send("x@example.com").enhanced, "5.1.1")
        self.assertEqual(send("y@example.com").code, 451)
        with self.assertRaises(ConnectionClosed):
            send("y@example.com")
        self.assertEqual(send("y@example.com").code, 250)
        self.assertEqual((len(self.sink.deliveries), len(self.sink.all)), (1, 3))
        self.sink.stop()
        with self.assertRaises(OSError):
            send("y@example.com")
        self.sink.start()
        self.assertEqual(send("y@example.com").code, 250)

    def test_newlines(self) -> None:
        for wire, expected in (
            (b"a\nb", b"a\r\nb"), (b"a\rb", b"a\r\nb"), (b"a\r\nb", b"a\r\nb"),
            (b"a\r\r\nb", b"a\r\n\r\nb"), (b"a\n\rb", b"a\r\n\r\nb"), (b"\r", b"\r\n"),
        ):  # fmt: skip
            self.assertEqual(normalize_newlines(wire), expected)

    def test_exactly_one_trace_header(self) -> None:
        original = b"Received: from elsewhere\r\n\tby there; now\r\nSubject: x\r\n\r\n.\r\n"
        ours = b"Received: from a (b [127.0.0.1])\r\n\tby c (Siding) id 1; now\r\n"
        assert_relayed(ours + original, original)
        twice = ours + ours + original
        for wrong in (original, twice, ours + original[:-1], b"X: y\r\n" + original):
            with self.assertRaises(AssertionError):
                assert_relayed(wrong, original)


if __name__ == "__main__":
    unittest.main()
