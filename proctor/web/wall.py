"""The wall over a WebSocket: all tiles at first, then what changed; and what proctors say back."""

import asyncio
import logging
from typing import Annotated, Literal

from aiohttp import WSMsgType, web
from pydantic import Field, TypeAdapter, ValidationError

from proctor.services.ports import NotFound
from proctor.services.wall import Wall
from proctor.services.watch import MAX_VIEWED, Watch
from proctor.web.api import Api, Id, Role, Shape
from proctor.web.auth import staff_of, still_allowed
from proctor.web.serve import say_good_bye

logger = logging.getLogger(__name__)

# A dead line is noticed after at most one and a half of these. Longer than that of an uplink: its
# answer waits behind a whole wall, which over a slow line takes its time.
HEARTBEAT_S = 20.0
# A login may end while its wall is open.
ASK_LOGIN_EVERY_S = 30.0
MAX_TAKEN_AT_ONCE = 500
# Room for their names, which are 64 characters at most.
MAX_WORD_BYTES = 64 * 1024

WALLS = web.AppKey("walls", set)


class ViewWord(Shape):
    """These tiles are before the reader's eyes."""

    type: Literal["view"]
    sessions: Annotated[tuple[Id, ...], Field(max_length=MAX_VIEWED)]


class LookWord(Shape):
    """This session is open, or none."""

    type: Literal["look"]
    session: Id | None


class TakeWord(Shape):
    """I see to these, or no more."""

    type: Literal["take", "release"]
    sessions: Annotated[tuple[Id, ...], Field(max_length=MAX_TAKEN_AT_ONCE)]


Word = ViewWord | LookWord | TakeWord
_word: TypeAdapter[Word] = TypeAdapter(Annotated[Word, Field(discriminator="type")])


def add_wall_route(api: Api, *, wall: Wall) -> None:
    """Declare GET /api/v1/wall."""

    @api.route(
        "GET",
        "/api/v1/wall",
        role=Role.PROCTOR,
        raw=True,
        status=101,
        tags=["wall"],
        errors=[NotFound],
    )
    async def watch_wall(request: web.Request, exam: Id | None = None) -> web.WebSocketResponse:
        """Watch all sessions of an exam, or of all of one's own exams (WebSocket)."""
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S, max_msg_size=MAX_WORD_BYTES, compress=False
        )
        sockets = request.app[WALLS]
        me = staff_of(request)
        async with wall.watching(me.name, exam=exam, own=me.exams) as watch:
            await socket.prepare(request)
            sockets.add(socket)
            telling = asyncio.ensure_future(_tell(socket, watch, request))
            try:
                await _hear(socket, watch)
            finally:
                sockets.discard(socket)
                telling.cancel()
                await asyncio.wait({telling})
        return socket


async def close_walls(app: web.Application) -> None:
    """Say good-bye to every wall when the server stops; they come again by themselves."""
    sockets: set[web.WebSocketResponse] = app[WALLS]
    await say_good_bye(sockets)


async def _tell(socket: web.WebSocketResponse, watch: Watch, request: web.Request) -> None:
    clock = asyncio.get_running_loop().time
    ask_at = clock() + ASK_LOGIN_EVERY_S
    try:
        await socket.send_str(watch.first)
        watch.first = ""
        while True:
            # One message at a time: while this one can't go out, no other is made.
            news = await watch.news()
            if clock() >= ask_at:
                if not await still_allowed(request):
                    await socket.close(code=1008, message=b"signed out")
                    return
                ask_at = clock() + ASK_LOGIN_EVERY_S
            await socket.send_str(news)
    except ConnectionError:
        pass  # the line is gone: its handler notices
    except Exception:
        logger.exception("a wall is not told any more")
        await socket.close(code=1011)


async def _hear(socket: web.WebSocketResponse, watch: Watch) -> None:
    async for message in socket:
        word = _read(message.data) if message.type is WSMsgType.TEXT else None
        match word:
            case None:
                await socket.close(code=1008, message=b"not a word that a wall knows")
                return
            case ViewWord():
                watch.view(word.sessions)
            case LookWord():
                watch.look(word.session)
            case TakeWord(type="take"):
                watch.take(word.sessions)
            case TakeWord():
                watch.release(word.sessions)


def _read(text: str) -> Word | None:
    try:
        return _word.validate_json(text)
    except ValidationError:
        return None
