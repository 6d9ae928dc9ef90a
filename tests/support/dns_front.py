"""A name server that misbehaves: it stands where a real one did, asks it, and spoils the answer.

    front = FaultFront(("127.53.1.2", 5300), behind=("127.53.1.2", 5301), fault="servfail")
    front.stop()
"""

import contextlib
import socket
import struct
import threading
import time

import dns_message as dns

FORGED = "evil.test"  # what a forged answer says
FAULTS = (
    "servfail",        # and REFUSED: by UDP and TCP
    "refused",
    "silent",          # takes the question, says nothing
    "truncated",       # TC by UDP, nobody listens on TCP
    "no_tcp",          # good by UDP, nobody listens on TCP
    "lame",            # NOERROR, not authoritative, nothing in it
    "no_edns",         # FORMERR to EDNS, good without
    "other_question",  # answers with the right id a question that nobody asked
    "wrong_id",        # the answer never has our id
    "spoofed",         # forged answers with other ids first, then the true one
    "garbage",         # the right id, then octets that are no message
    "slow",            # the true answer, `delay` seconds late
)  # fmt: skip


class FaultFront:
    def __init__(
        self, at: tuple[str, int], behind: tuple[str, int], fault: str, delay: float = 2.0
    ):
        assert fault in FAULTS, fault
        self.behind, self.fault, self.delay = behind, fault, delay
        self.asked = 0
        self.stopping = threading.Event()
        self.udp = self._bound(socket.SOCK_DGRAM, at)
        self.tcp = None
        if fault not in ("truncated", "no_tcp"):
            self.tcp = self._bound(socket.SOCK_STREAM, at)
            self.tcp.listen(64)
            threading.Thread(target=self._serve_tcp, daemon=True).start()
        self.thread = threading.Thread(target=self._serve_udp, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.stopping.set()
        for one in filter(None, (self.udp, self.tcp)):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self.thread.join(5)

    @staticmethod
    def _bound(kind: int, at: tuple[str, int]) -> socket.socket:
        one = socket.socket(socket.AF_INET, kind)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(at)
        return one

    def _serve_udp(self) -> None:
        self.udp.settimeout(0.2)  # a datagram socket that is closed does not wake its reader
        while not self.stopping.is_set():
            try:
                query, client = self.udp.recvfrom(4096)
            except TimeoutError:
                continue
            except OSError:
                return
            threading.Thread(target=self._answer_udp, args=(query, client), daemon=True).start()

    def _answer_udp(self, query: bytes, client: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):
            for octets in self._answers(query, tcp=False):
                self.udp.sendto(octets, client)

    def _serve_tcp(self) -> None:
        assert self.tcp
        while not self.stopping.is_set():
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(30)
            while query := dns.read_framed(connection):
                for octets in self._answers(query, tcp=True):
                    connection.sendall(dns.framed(octets))

    def _answers(self, query: bytes, tcp: bool) -> list[bytes]:
        self.asked += 1
        if self.fault == "silent":
            return []
        if self.fault in ("servfail", "refused"):
            return [self._bare(query, 2 if self.fault == "servfail" else 5)]
        if self.fault == "truncated":
            return [self._bare(query, 0, dns.AA | dns.TC)]
        if self.fault == "lame":
            return [self._bare(query, 0)]
        if self.fault == "garbage":
            return [query[:2] + b"\x84\x00\x00\x01\x00\x09\x00\x00\x00\x00" + b"\xff" * 40]
        if self.fault == "no_edns" and dns.HEADER.unpack_from(query)[5]:
            return [self._bare(query, 1)]
        if self.fault == "other_question":
            return [self._forged(query, question="somebody.else.test")]
        true = self._ask_behind(query, tcp)
        if self.fault == "wrong_id":
            return [_with_id(true, 0x5A5A)]
        if self.fault == "spoofed":
            return [*(_with_id(self._forged(query), change) for change in (1, 2, 0x100)), true]
        if self.fault == "slow":
            time.sleep(self.delay)
        return [true]

    def _ask_behind(self, query: bytes, tcp: bool) -> bytes:
        kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET, kind) as asker:
            asker.settimeout(5)
            asker.connect(self.behind)
            asker.sendall(dns.framed(query) if tcp else query)
            return dns.read_framed(asker) if tcp else asker.recv(65535)

    @staticmethod
    def _bare(query: bytes, rcode: int, flags: int = 0) -> bytes:
        """The question and nothing else."""
        ident, asked = struct.unpack_from("!HH", query)
        head = dns.HEADER.pack(ident, dns.QR | (asked & dns.RD) | flags | rcode, 1, 0, 0, 0)
        return head + query[dns.HEADER.size : dns.end_of_question(query)]

    @staticmethod
    def _forged(query: bytes, question: str = "") -> bytes:
        """For the name that was asked an MX to FORGED, whatever was asked of it."""
        ident = struct.unpack_from("!H", query)[0]
        asked = query[dns.HEADER.size : dns.end_of_question(query)]
        head = dns.HEADER.pack(ident, dns.QR | dns.AA, 1, 1, 0, 0)
        shown = dns.encode_name(question) + asked[-4:] if question else asked
        rdata = struct.pack("!H", 1) + dns.encode_name(FORGED)
        return head + shown + asked[:-4] + struct.pack("!HHIH", 15, 1, 86400, len(rdata)) + rdata


def _with_id(octets: bytes, change: int) -> bytes:
    return struct.pack("!H", struct.unpack_from("!H", octets)[0] ^ change) + octets[2:]
