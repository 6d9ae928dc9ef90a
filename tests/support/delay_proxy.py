"""A long way to the next hop, on loopback: what is sent arrives so many seconds later, in order.

Each direction is a line of its own with as much room as a sender can fill in that time, so only
round trips cost anything."""

import asyncio
import threading

BLOCK = 256 * 1024


class DelayProxy:
    def __init__(self, target: str, seconds_each_way: float):
        self.host, _, port = target.rpartition(":")
        self.target_port = int(port)
        self.delay = seconds_each_way
        self.loop = asyncio.new_event_loop()
        self.port = 0
        self.ready = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        assert self.ready.wait(10), "the proxy does not start"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, limit=BLOCK)
        )
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        self.loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self.delay)  # the handshake's way
        try:
            far_reader, far_writer = await asyncio.open_connection(
                self.host, self.target_port, limit=BLOCK
            )
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        arrivals = asyncio.create_task(self._arrive(line, writer))
        while True:
            try:
                octets = await reader.read(BLOCK)
            except OSError:
                octets = b""
            await line.put((self.loop.time() + self.delay, octets))
            if not octets:
                break
        await arrivals

    async def _arrive(
        self, line: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter
    ) -> None:
        while True:
            at, octets = await line.get()
            await asyncio.sleep(at - self.loop.time())
            try:
                if not octets:
                    writer.write_eof()
                    writer.close()
                    return
                writer.write(octets)
                await writer.drain()
            except OSError:
                return
