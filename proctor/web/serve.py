"""Listening: an application on an address, for as long as a block lasts."""

import asyncio
import errno
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest

from proctor.web.problems import answer_of_status

logger = logging.getLogger(__name__)

# Requests under way when the server is told to stop get this long.
DRAIN_S = 5.0
# So long all that hold a WebSocket have to answer the good-bye of a server that stops.
GOOD_BYE_S = 5.0
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
    assert runner.server is not None
    runner.server.__class__ = _Server
    try:
        try:
            await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
        except OSError as no:
            raise CannotListen(_why(no, host, port)) from None
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def say_good_bye(sockets: Iterable[web.WebSocketResponse]) -> None:
    """Close WebSockets because the server stops, all at once; whoever is silent is cut off."""
    closing = [
        asyncio.ensure_future(each.close(code=1001, message=b"server shutdown"))
        for each in tuple(sockets)
    ]
    if not closing:
        return
    _, silent = await asyncio.wait(closing, timeout=GOOD_BYE_S)
    for each in silent:
        each.cancel()
    await asyncio.gather(*closing, return_exceptions=True)


def _why(no: OSError, host: str, port: int) -> str:
    if no.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use: stop what uses it, or choose another with --port"
    return f"can't listen on {host} port {port}: {no.strerror}"


class _Handler(RequestHandler):
    """Says as a problem what aiohttp refuses before any application is asked."""

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status == HTTPStatus.INTERNAL_SERVER_ERROR or request.writer.output_size > 0:
            return super().handle_error(request, status, exc, message)
        # What a stranger sent is in `message`, and is told nobody.
        logger.info("request refused unread", extra={"status": status})
        answer = answer_of_status(status)
        answer.force_close()
        return answer


class _Server(web.Server):
    """aiohttp makes its own handlers, with no way to name another."""

    def __call__(self) -> RequestHandler:
        return _Handler(self, loop=self._loop, **self._kwargs)
