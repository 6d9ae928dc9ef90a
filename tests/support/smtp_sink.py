"""A next hop that keeps every octet it gets and answers by script.

`answer("RCPT", "550 5.1.1 nobody", address="a@example.com")` makes one recipient fail for good;
`answer("DOT", DROP, times=1)` closes the connection after the final dot of one message.
"""

import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Callable

DROP = "(close the connection)"
HANG = "(stay silent until resume())"


@dataclass
class Delivery:
    sender: str
    recipients: list[str]
    octets: bytes  # as sent, dot-unstuffed
    mail_parameters: str = ""
    rcpt_parameters: dict[str, str] = field(default_factory=dict)
    helo: str = ""
    started_at: float = 0.0
    ended_at: float = 0.0
    answer: str = ""  # what the client was told, or DROP


@dataclass
class Rule:
    stage: str
    reply: str
    address: str | None
    times: int | None  # None: always


class PeerGone(Exception):
    pass


class RecordingSink:
    """Threads over raw sockets. `deliveries` holds what was answered 2xx; `all` every final dot."""

    def __init__(
        self,
        port: int = 0,
        extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 0"),
        on_delivery: Callable[[Delivery], None] | None = None,
        keep: bool = True,
    ):
        self.extensions = extensions
        self.on_delivery = on_delivery
        self.keep = keep
        self.changed = threading.Condition()
        self.deliveries: list[Delivery] = []
        self.all: list[Delivery] = []
        self.connections = 0
        self.open_now = 0
        self.open_most = 0
        self.rules: list[Rule] = []
        self.clients: set[socket.socket] = set()
        self.port = port
        self.listener: socket.socket | None = None
        self.resumed = threading.Event()
        self.start()

    # --- life -----------------------------------------------------------------------------------
    def start(self) -> None:
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def stop(self) -> None:
        """Closes everything; start() listens on the same port again."""
        listener, self.listener = self.listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.resumed.set()
        with self.changed:
            clients = list(self.clients)
        for client in clients:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    # --- script ---------------------------------------------------------------------------------
    def answer(
        self, stage: str, reply: str, address: str | None = None, times: int | None = None
    ) -> None:
        """Stage: CONNECT, EHLO, MAIL, RCPT, DATA or DOT. `address` narrows RCPT."""
        with self.changed:
            self.rules.append(Rule(stage, reply, address, times))

    def accept_all(self) -> None:
        with self.changed:
            self.rules.clear()
        self.resume()

    def resume(self) -> None:
        self.resumed.set()

    def _reply_for(self, stage: str, default: str, address: str | None = None) -> str:
        with self.changed:
            for rule in self.rules:
                if rule.stage != stage or rule.times == 0:
                    continue
                if rule.address is not None and rule.address != address:
                    continue
                if rule.times is not None:
                    rule.times -= 1
                return rule.reply
        return default

    # --- results --------------------------------------------------------------------------------
    def wait_for(self, count: int, timeout: float = 30.0) -> list[Delivery]:
        """The deliveries, once there are at least `count`."""
        with self.changed:
            came = self.changed.wait_for(lambda: len(self.deliveries) >= count, timeout)
            assert came, f"sink: {len(self.deliveries)} of {count} messages after {timeout} s"
            return list(self.deliveries)

    def wait_for_any(self, count: int, timeout: float = 30.0) -> list[Delivery]:
        """Like wait_for(), counting messages that were not answered 2xx too."""
        with self.changed:
            came = self.changed.wait_for(lambda: len(self.all) >= count, timeout)
            assert came, f"sink: {len(self.all)} of {count} final dots after {timeout} s"
            return list(self.all)

    def of(self, recipient: str) -> list[Delivery]:
        with self.changed:
            return [d for d in self.deliveries if recipient in d.recipients]

    # --- sessions -------------------------------------------------------------------------------
    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with self.changed:
            self.clients.add(client)
            self.connections += 1
            self.open_now += 1
            self.open_most = max(self.open_most, self.open_now)
        try:
            Session(self, client).run()
        except (PeerGone, OSError):
            pass
        finally:
            with self.changed:
                self.clients.discard(client)
                self.open_now -= 1
            client.close()

    def _record(self, delivery: Delivery) -> None:
        with self.changed:
            if self.keep:
                self.all.append(delivery)
                if delivery.answer.startswith("2"):
                    self.deliveries.append(delivery)
            self.changed.notify_all()
        if self.on_delivery:
            self.on_delivery(delivery)


class Session:
    def __init__(self, sink: RecordingSink, client: socket.socket):
        self.sink = sink
        self.client = client
        self.buffer = bytearray()
        self.delivery: Delivery | None = None
        self.helo = ""

    def run(self) -> None:
        self._say(self.sink._reply_for("CONNECT", "220 sink.example ESMTP"))
        while True:
            line = self._line()
            verb, _, rest = line.partition(" ")
            verb = verb.upper()
            if verb == "QUIT":
                self._say("221 2.0.0 bye")
                return
            self._handle(verb, rest)

    def _handle(self, verb: str, rest: str) -> None:
        if verb in ("EHLO", "HELO"):
            self.helo, self.delivery = rest, None
            lines = ["sink.example", *(self.sink.extensions if verb == "EHLO" else ())]
            fine = "\r\n".join(f"250-{line}" for line in lines[:-1]) + f"\r\n250 {lines[-1]}"
            self._say(self.sink._reply_for("EHLO", fine.removeprefix("\r\n")))
        elif verb == "MAIL":
            self._mail(rest)
        elif verb == "RCPT":
            self._rcpt(rest)
        elif verb == "DATA":
            self._data()
        elif verb == "RSET":
            self.delivery = None
            self._say("250 2.0.0 reset")
        elif verb == "NOOP":
            self._say("250 2.0.0 ok")
        else:
            self._say("502 5.5.1 not here")

    def _mail(self, rest: str) -> None:
        reply = self.sink._reply_for("MAIL", "250 2.1.0 ok")
        if reply.startswith("2"):
            sender, _, parameters = rest.partition("<")[2].partition(">")
            self.delivery = Delivery(
                sender, [], b"", parameters.strip(), helo=self.helo, started_at=time.time()
            )
        self._say(reply)

    def _rcpt(self, rest: str) -> None:
        address, _, parameters = rest.partition("<")[2].partition(">")
        if self.delivery is None:
            self._say("503 5.5.1 MAIL first")
            return
        reply = self.sink._reply_for("RCPT", "250 2.1.5 ok", address)
        if reply.startswith("2"):
            self.delivery.recipients.append(address)
            self.delivery.rcpt_parameters[address] = parameters.strip()
        self._say(reply)

    def _data(self) -> None:
        if self.delivery is None or not self.delivery.recipients:
            self._say("554 5.5.1 no valid recipients")
            return
        reply = self.sink._reply_for("DATA", "354 go ahead")
        self._say(reply)
        if not reply.startswith("354"):
            return
        delivery, self.delivery = self.delivery, None
        delivery.octets = self._octets()
        delivery.ended_at = time.time()
        delivery.answer = self.sink._reply_for("DOT", "250 2.0.0 kept")
        self.sink._record(delivery)
        self._say(delivery.answer)

    def _octets(self) -> bytes:
        # A line end in front makes the first line like every other one.
        data = bytearray(b"\r\n") + self.buffer
        searched = 0
        while (end := data.find(b"\r\n.\r\n", searched)) < 0:
            searched = max(0, len(data) - 4)
            data += self._more()
        self.buffer = data[end + 5 :]
        return bytes(data[: end + 2].replace(b"\r\n.", b"\r\n")[2:])

    def _line(self) -> str:
        while (end := self.buffer.find(b"\r\n")) < 0:
            self.buffer += self._more()
        line = self.buffer[:end].decode("utf-8", "surrogateescape")
        del self.buffer[: end + 2]
        return line

    def _more(self) -> bytes:
        octets = self.client.recv(262144)
        if not octets:
            raise PeerGone
        return octets

    def _say(self, reply: str) -> None:
        if reply == DROP:
            raise PeerGone
        if reply == HANG:
            self.sink.resumed.wait()
            raise PeerGone
        self.client.sendall(reply.encode() + b"\r\n")
