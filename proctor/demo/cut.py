"""A network that can be cut: every byte between client and server goes through here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_CHUNK_BYTES = 65_536


@dataclass
class Network:
    """A way to the server. While it is cut, nothing passes and nobody gets through."""

    url: str = ""
    _is_cut: bool = False
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> None:
        self._is_cut = True
        for writer in tuple(self._open):
            writer.transport.abort()

    def mend(self) -> None:
        self._is_cut = False


@asynccontextmanager
async def network_to(host: str, port: int) -> AsyncIterator[Network]:
    """Open a way to a server; yield it with the address to use instead of the server's."""
    network = Network()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(_CHUNK_BYTES):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if network._is_cut:  # noqa: SLF001 - this is its other half
            writer.transport.abort()
            return
        try:
            to_reader, to_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, to_writer}
        network._open |= both  # noqa: SLF001 - as above
        try:
            await asyncio.gather(carry(reader, to_writer), carry(to_reader, writer))
        finally:
            network._open -= both  # noqa: SLF001 - as above
            for each in both:
                each.transport.abort()

    server = await asyncio.start_server(through, "127.0.0.1", 0)
    port_here = server.sockets[0].getsockname()[1]
    network.url = f"http://127.0.0.1:{port_here}"
    try:
        yield network
    finally:
        network.cut()
        server.close()
