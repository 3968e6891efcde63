"""The way to a web server, which can be cut."""

import asyncio
import threading
from contextlib import contextmanager, suppress


class Way:
    """Passes connections on, byte for byte. ``address`` is ``127.0.0.1:1234``."""

    def __init__(self, server):
        self.server = server.split(":")
        self.connections = set()
        self.tasks = set()
        self.is_closed = False
        self.taken = 0  # connections
        self.gates = [asyncio.Event()]
        self.gates[-1].set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="way", daemon=True)
        self.thread.start()
        self.listening = self.call(asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listening.sockets[0].getsockname()[1]}"

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    async def serve(self, from_client, to_client):
        self.taken += 1
        if self.is_closed:
            to_client.transport.abort()
            return
        from_server, to_server = await asyncio.open_connection(*self.server)
        ends = (to_client, to_server)
        self.connections.add(ends)
        self.tasks.add(asyncio.current_task())
        gate = self.gates[-1]
        ways = [
            asyncio.ensure_future(pass_on(from_client, to_server, gate)),
            asyncio.ensure_future(pass_on(from_server, to_client, gate)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        self.connections.discard(ends)
        for end in ends:
            end.transport.abort()
        await asyncio.wait(ways)
        self.tasks.discard(asyncio.current_task())

    @contextmanager
    def closed(self):
        """Every connection is cut, and no new one comes about."""
        self.is_closed = True
        self.cut()
        yield
        self.is_closed = False

    def cut(self):
        self.call(self.cut_all())

    async def cut_all(self):
        for ends in list(self.connections):
            for end in ends:
                end.transport.abort()

    def hold(self):
        """Every connection stays, and nothing comes through it any more. New ones are as ever."""
        self.call(self.hold_all())

    async def hold_all(self):
        self.gates[-1].clear()
        self.gates.append(asyncio.Event())
        self.gates[-1].set()

    def close(self):
        self.is_closed = True
        self.call(self.end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    async def end(self):
        self.listening.close()
        await self.cut_all()
        for gate in self.gates:
            gate.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def pass_on(source, sink, gate):
    with suppress(OSError):
        while data := await source.read(65536):
            await gate.wait()
            sink.write(data)
            await sink.drain()
