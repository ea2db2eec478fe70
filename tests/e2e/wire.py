"""The network between a browser and a server, for tests that take it away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.conftest import all_taken
from tests.sim.serving import HOST


class Wire:
    """The network between the browser and the server, which can be cut.

    Chromium's own offline switch leaves a WebSocket that is open as it is (tried with 156): it
    fails what is asked anew, and tells the page. A network that is gone does both, so a test that
    takes it away uses this and the switch.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self._passing = asyncio.Event()
        self._passing.set()
        self._server: asyncio.Server | None = None
        self._ways: set[asyncio.Task[None]] = set()
        self.url = ""

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connected, HOST, 0)
        self.url = f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """From now on nothing arrives, and nobody is told: as when the radio is gone."""
        self._passing.clear()

    def hang_up(self) -> None:
        """End every connection there is: as when a router is started anew."""
        for way in self._ways:
            way.cancel()

    def mend(self) -> None:
        self._passing.set()

    async def close(self) -> None:
        assert self._server
        await all_taken()
        self._server.close()
        self.hang_up()
        await asyncio.gather(*self._ways, return_exceptions=True)

    async def _connected(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._ways.add(task)
        task.add_done_callback(self._ways.discard)
        writers = [to_near]
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._passing.wait()
                far, to_far = await asyncio.open_connection(HOST, self._to)
                writers.append(to_far)
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump(near, to_far))
                    both.create_task(self._pump(far, to_near))
        except* OSError:
            pass
        finally:
            for writer in writers:
                writer.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            await self._passing.wait()
            sink.write(data)
            await sink.drain()
        raise ConnectionResetError  # ends the other direction as well


@asynccontextmanager
async def wire_to(url: str) -> AsyncIterator[Wire]:
    wire = Wire(int(url.rsplit(":", 1)[1]))
    await wire.open()
    try:
        yield wire
    finally:
        await wire.close()
