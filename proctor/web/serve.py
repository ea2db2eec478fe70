"""Listening: an application on an address, for as long as a block lasts."""

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

# Requests under way when the server is told to stop get this long.
DRAIN_S = 5.0
# Connections that may wait to be taken: a whole exam that comes back after an outage at once.
BACKLOG = 4096


class CannotListen(Exception):
    """The port is taken, or may not be listened on."""


@asynccontextmanager
async def listening(app: web.Application, *, host: str, port: int) -> AsyncIterator[str]:
    """Serve `app` within the block; yield its address, such as http://127.0.0.1:8080.

    Args:
        app: Built and not started yet.
        host: Address to listen on.
        port: 0 takes a free one.

    Raises:
        CannotListen: The port is taken, or may not be listened on.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=DRAIN_S)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
        except OSError as no:
            raise CannotListen(_why(no, host, port)) from None
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _why(no: OSError, host: str, port: int) -> str:
    if no.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use: stop what uses it, or choose another with --port"
    return f"can't listen on {host} port {port}: {no.strerror}"
