"""A way to a server that breaks: after so many octets, of either direction, as told or by chance.

    way = CutProxy(server.address)
    way.cut(3000)  # the next connection, once
    way.cut_by_chance(seed=1, low=200, high=50_000)  # all from now on, until heal()

An odd cut resets the connection, an even one closes it; what came before has been passed on.
"""

import contextlib
import random
import selectors
import socket
import struct
import threading

BLOCK = 64 << 10


class CutProxy:
    def __init__(self, target: str):
        host, _, port = target.rpartition(":")
        self.target = (host, int(port))
        self.cuts = 0
        self.octets = 0  # passed on, in both directions
        self.planned: list[int] = []
        self.chance: tuple[random.Random, int, int] | None = None
        self.guard = threading.Lock()
        self.open: set[socket.socket] = set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def cut(self, *after_octets: int) -> None:
        """One number for each connection to come."""
        with self.guard:
            self.planned += after_octets

    def cut_by_chance(self, seed: int, low: int, high: int) -> None:
        with self.guard:
            self.chance = (random.Random(seed), low, high)

    def cut_now(self) -> None:
        """Every connection that is open."""
        with self.guard:
            doomed = list(self.open)
        for connection in doomed:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def heal(self) -> None:
        with self.guard:
            self.planned, self.chance = [], None

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut_now()

    def _limit(self) -> int | None:
        with self.guard:
            if self.planned:
                return self.planned.pop(0)
            if self.chance:
                draw, low, high = self.chance
                return draw.randint(low, high)
        return None

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self.target, 30)
        except OSError:
            near.close()
            return
        with self.guard:
            self.open |= {near, far}
        try:
            self._carry(near, far, self._limit())
        finally:
            with self.guard:
                self.open -= {near, far}
            near.close()
            far.close()

    def _carry(self, near: socket.socket, far: socket.socket, limit: int | None) -> None:
        other = {near: far, far: near}
        with selectors.DefaultSelector() as selector:
            for connection in other:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(connection, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    connection = key.fileobj
                    assert isinstance(connection, socket.socket)
                    try:
                        octets = connection.recv(BLOCK if limit is None else min(BLOCK, limit))
                        other[connection].sendall(octets)
                        with self.guard:
                            self.octets += len(octets)
                    except OSError:
                        return
                    if not octets:
                        return
                    if limit is not None:
                        limit -= len(octets)
                        if limit <= 0:
                            self._end(near, far)
                            return

    def _end(self, *connections: socket.socket) -> None:
        with self.guard:
            self.cuts += 1
            is_reset = self.cuts % 2 == 1
        for connection in connections:
            if is_reset:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
