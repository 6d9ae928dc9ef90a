"""An SMTP client over a raw socket: every octet and every packet border is the test's choice."""

import random
import re
import socket
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    code: int
    lines: tuple[str, ...]  # without code and separator

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def enhanced(self) -> str:
        found = re.match(r"[245]\.\d+\.\d+", self.lines[0]) if self.lines else None
        return found.group(0) if found else ""

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class ConnectionClosed(Exception):
    """The server closed the connection where a reply was due."""


def dot_stuff(octets: bytes) -> bytes:
    """RFC 5321 §4.5.2, with the end of data. `octets` end in CRLF or are empty."""
    assert not octets or octets.endswith(b"\r\n"), "the last line of a message ends in CRLF"
    stuffed = (b"\r\n" + octets).replace(b"\r\n.", b"\r\n..")[2:]
    return stuffed + b".\r\n"


def normalize_newlines(octets: bytes) -> bytes:
    """What a receiver that accepts only CRLF makes of bare CR and LF."""
    return re.sub(rb"\r(?!\n)|(?<!\r)\n", b"\r\n", octets)


class SmtpClient:
    def __init__(
        self,
        port: int,
        host: str = "127.0.0.1",
        timeout: float = 30.0,
        source: str = "",  # our own address, such as 127.0.0.2
        connected: Any = None,  # a connection, or what acts as one; port and host do not count
    ):
        own = (source, 0) if source else None
        self.socket = connected or socket.create_connection((host, port), timeout, own)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.greeting = self.read_reply()
        self.extensions: dict[str, str] = {}

    def __enter__(self) -> "SmtpClient":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    # --- octets ---------------------------------------------------------------------------------
    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def send_in_pieces(self, octets: bytes, seed: int = 0, longest: int = 7) -> None:
        """One packet per piece (TCP_NODELAY), borders drawn from `seed`."""
        draw = random.Random(seed)
        start = 0
        while start < len(octets):
            end = start + draw.randint(1, longest)
            self.socket.sendall(octets[start:end])
            start = end

    def read_line(self) -> bytes:
        while b"\r\n" not in self.received:
            try:
                more = self.socket.recv(65536)
            except (ConnectionResetError, BrokenPipeError) as reset:
                raise ConnectionClosed(str(reset)) from reset
            if not more:
                raise ConnectionClosed("end of stream")
            self.received += more
        line, _, self.received = self.received.partition(b"\r\n")
        return line

    def read_reply(self) -> Reply:
        lines = []
        while True:
            line = self.read_line()
            assert re.match(rb"\d{3}[ -]", line + b" "), f"not a reply line: {line!r}"
            lines.append(line[4:].decode("utf-8", "replace"))
            if line[3:4] != b"-":
                return Reply(int(line[:3]), tuple(lines))

    def closed_by_server(self) -> bool:
        """Whether the server has closed, after what it had left to say."""
        try:
            while self.socket.recv(65536):
                pass
        except (ConnectionResetError, BrokenPipeError):
            pass
        return True

    # --- commands -------------------------------------------------------------------------------
    def command(self, line: str | bytes) -> Reply:
        self.send((line.encode() if isinstance(line, str) else line) + b"\r\n")
        return self.read_reply()

    def ehlo(self, name: str = "client.example") -> Reply:
        reply = self.command(f"EHLO {name}")
        for line in reply.lines[1:]:
            keyword, _, value = line.partition(" ")
            self.extensions[keyword.upper()] = value
        return reply

    def mail(self, sender: str, parameters: str = "") -> Reply:
        return self.command(f"MAIL FROM:<{sender}>{' ' if parameters else ''}{parameters}")

    def rcpt(self, recipient: str) -> Reply:
        return self.command(f"RCPT TO:<{recipient}>")

    def data(self, octets: bytes) -> Reply:
        reply = self.command("DATA")
        if reply.code != 354:
            return reply
        self.send(dot_stuff(octets))
        return self.read_reply()

    def quit(self) -> Reply:
        reply = self.command("QUIT")
        self.close()
        return reply

    def transact(self, sender: str, recipients: list[str], octets: bytes) -> Reply:
        """MAIL to end of data, every step positive or its reply is the answer."""
        parameters = "BODY=8BITMIME" if "8BITMIME" in self.extensions else ""
        for reply in (self.mail(sender, parameters), *map(self.rcpt, recipients)):
            if reply.code // 100 != 2:
                return reply
        return self.data(octets)


def send_mail(port: int, sender: str, recipients: list[str] | str, octets: bytes) -> Reply:
    """One message over one connection; the reply to its last step."""
    recipients = [recipients] if isinstance(recipients, str) else recipients
    with SmtpClient(port) as client:
        client.ehlo()
        reply = client.transact(sender, recipients, octets)
        client.quit()
        return reply
