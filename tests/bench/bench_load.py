"""Clients that cost little: smtp_load.cpp for mail at full speed, and crowds that only wait."""

import contextlib
import json
import pathlib
import resource
import socket
import ssl
import statistics
import subprocess
from dataclasses import dataclass

from siding_lab import Daemon, Lab, Skip, program

PER_ADDRESS = 40  # below the default of limits.connections_per_client
SOURCE = pathlib.Path(__file__).with_name("smtp_load.cpp")


@dataclass(frozen=True)
class Load:
    """What the client saw; milliseconds are those of the answer to the end of data, or, with
    `whole`, of the transaction from MAIL on."""

    messages: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_seconds: float  # of the client itself

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


class LoadClient:
    def __init__(self, lab: Lab):
        self.program = lab.directory / "smtp_load"
        command = [program("c++"), "-std=c++20", "-O2", str(SOURCE), "-o", str(self.program)]
        built = lab.run(*command, "-lssl", "-lcrypto", "-pthread")
        assert built.code == 0, built.err

    def command(
        self,
        port: int,
        sessions: int,
        messages: int,
        octets: int = 4096,
        fresh: bool = False,
        tls: bool = False,
        addresses: int = 0,
        whole: bool = False,
    ) -> list[str]:
        addresses = addresses or 1 + sessions // PER_ADDRESS
        numbers = (port, sessions, messages, octets, int(fresh), int(tls), addresses, int(whole))
        return [str(self.program), *map(str, numbers)]

    def run(self, *arguments, timeout: float = 900.0, **more) -> Load:
        done = subprocess.run(
            self.command(*arguments, **more), capture_output=True, timeout=timeout, check=False
        )
        assert done.returncode == 0, f"{done.stderr.decode()}{done.stdout.decode()}"
        return Load(**json.loads(done.stdout))


def median_load(loads: list[Load], key: str) -> float:
    return statistics.median(getattr(load, key) for load in loads)


def cpu_seconds(pid: int) -> float:
    """User and system time so far of a process, of all below it, and of those that have ended."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for file in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = file.read_text().rpartition(")")[2].split()
            process = int(file.parent.name)
            parents[process] = int(fields[1])
            ticks[process] = sum(map(int, fields[11:15]))

    def belongs(process: int) -> bool:
        while process and process != pid:
            process = parents.get(process, 0)
        return process == pid

    return sum(ticks[process] for process in ticks if belongs(process)) / 100


def allow_descriptors(count: int) -> None:
    """For us and for what we start."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(count, hard), max(count, hard)))
    except (ValueError, OSError) as refused:
        raise Skip(f"{count} descriptors are needed, {hard} allowed") from refused


def loopback_address(number: int) -> str:
    """127.1.0.1 and on: never the one that the good clients come from."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


def connect_from(address: str, port: int, timeout: float = 60.0) -> socket.socket:
    connection = socket.socket()
    # The port is chosen at connect(), so that a crowd does not run out of them.
    connection.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
    connection.settimeout(timeout)
    connection.bind((address, 0))
    connection.connect(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def ask(connection: socket.socket, line: bytes, code: bytes) -> bytes:
    """One command and its whole reply; an empty line only reads."""
    if line:
        connection.sendall(line)
    reply = b""
    while not reply.endswith(b"\r\n") or reply.splitlines()[-1][3:4] == b"-":
        more = connection.recv(4096)
        assert more, f"closed after {line!r}: {reply!r}"
        reply += more
    assert reply.startswith(code), f"{line!r}: {reply!r}"
    return reply


class Crowd(contextlib.AbstractContextManager):
    """Connections that have said EHLO, or have sent one message, and say no more."""

    def __init__(self, daemon: Daemon, count: int, tls: bool = False, message: bool = False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.connections: list[socket.socket] = []
        for number in range(count):
            connection = connect_from(loopback_address(number // PER_ADDRESS), daemon.port)
            ask(connection, b"", b"220")
            ask(connection, b"EHLO crowd.example\r\n", b"250")
            if tls:
                ask(connection, b"STARTTLS\r\n", b"220")
                connection = context.wrap_socket(connection)
                ask(connection, b"EHLO crowd.example\r\n", b"250")
            if message:
                ask(connection, b"MAIL FROM:<ann@sender.example>\r\n", b"250")
                ask(connection, b"RCPT TO:<bob@example.com>\r\n", b"250")
                ask(connection, b"DATA\r\n", b"354")
                ask(connection, b"Subject: one\r\n\r\n" + b"x" * 70 + b"\r\n.\r\n", b"250")
            self.connections.append(connection)

    def __exit__(self, *_) -> None:
        for connection in self.connections:
            connection.close()

    def check_alive(self) -> None:
        for connection in self.connections[::97]:
            ask(connection, b"NOOP\r\n", b"250")
