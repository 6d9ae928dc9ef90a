"""TLS for the SMTP client, with whatever certificate and name a test wants."""

import pathlib
import socket
import ssl
from typing import Any, Callable

from smtp_client import SmtpClient

Pair = tuple[pathlib.Path, pathlib.Path]  # certificate and key


def tls_context(ca_file: pathlib.Path | None = None, pair: Pair | None = None) -> ssl.SSLContext:
    """Trusts `ca_file`, or anybody. Never resumes a session."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if ca_file is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(ca_file)
    if pair is not None:
        context.load_cert_chain(*pair)
    return context


def starttls(
    port: int, context: ssl.SSLContext, name: str | None = None, source: str = ""
) -> SmtpClient:
    """Connected, STARTTLS done, EHLO said again."""
    client = SmtpClient(port, source=source)
    client.ehlo()
    reply = client.command("STARTTLS")
    assert reply.code == 220, reply
    assert client.received == b"", f"plain text behind the answer: {client.received!r}"
    client.socket = context.wrap_socket(client.socket, server_hostname=name)
    client.extensions.clear()
    client.ehlo()
    return client


def implicit(
    port: int, context: ssl.SSLContext, name: str | None = None, front: bytes = b""
) -> SmtpClient:
    """TLS from the first octet on; `front` stands in one packet with the ClientHello."""
    return SmtpClient(port, connected=PacketTls(port, context, name, front))


def certificate_of(client: SmtpClient) -> dict[str, Any]:
    """As ssl.getpeercert() has it; the context must have a CA."""
    return client.socket.getpeercert() or {}


class PacketTls:
    """Stands in for a socket: TLS over memory, so that the test makes the packets."""

    def __init__(self, port: int, context: ssl.SSLContext, name: str | None, front: bytes):
        self.plain = socket.create_connection(("127.0.0.1", port), 30)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        self.front = front
        self._run(self.tls.do_handshake)

    def sendall(self, octets: bytes) -> None:
        self._run(lambda: self.tls.write(octets))

    def recv(self, size: int) -> bytes:
        try:
            return self._run(lambda: self.tls.read(size))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def setsockopt(self, *option: int) -> None:
        self.plain.setsockopt(*option)

    def getpeercert(self) -> dict[str, Any]:
        return self.tls.getpeercert() or {}

    def close(self) -> None:
        self.plain.close()

    def _run(self, step: Callable[[], Any]) -> Any:
        while True:
            try:
                done = step()
                self._flush()
                return done
            except ssl.SSLWantReadError:
                self._flush()
                octets = self.plain.recv(65536)
                if octets:
                    self.incoming.write(octets)
                else:
                    self.incoming.write_eof()

    def _flush(self) -> None:
        octets, self.front = self.front + self.outgoing.read(), b""
        if octets:
            self.plain.sendall(octets)
