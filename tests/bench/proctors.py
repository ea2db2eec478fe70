"""Proctors with their walls open, in a process that does nothing else.

    python -m tests.bench.proctors URL PATH CORE SESSIONS PROCTORS

Says "ready" once all are told everything; at the end of its standard input it prints what they
were told a second, in bytes, and the 99th percentile of its age in seconds, as JSON.
"""

import asyncio
import json
import os
import sys
import time
from contextlib import AsyncExitStack
from statistics import quantiles

import aiohttp
import uvloop

VIEWED = 120  # tiles before each one's eyes: as many as may be


async def watch(url: str, path: str, sessions: int, proctors: int) -> None:
    """Be so many proctors until standard input ends."""
    got, began = 0, 0.0
    ages: list[float] = []

    async def read(socket: aiohttp.ClientWebSocketResponse) -> None:
        nonlocal got
        async for message in socket:
            text = message.data
            got += len(text)
            now_ms = time.time() * 1000
            told = json.loads(text)
            ages.extend(
                (now_ms - tile["heard_ms"]) / 1000
                for tile in told.get("tiles", [told])
                if "heard_ms" in tile
            )

    async with (
        aiohttp.ClientSession(url, headers={"Authorization": "Bearer proctor"}) as http,
        AsyncExitStack() as stack,
    ):
        reading = []
        for number in range(proctors):
            socket = await stack.enter_async_context(http.ws_connect(path, max_msg_size=0))
            if path == "/api/v1/wall":
                await socket.receive_str()  # the whole wall
            at = number * sessions // proctors
            shown = [f"s_{each % sessions:010d}" for each in range(at, at + VIEWED)]
            await socket.send_str(
                json.dumps({"type": "view", "sessions": list(dict.fromkeys(shown))})
            )
            reading.append(asyncio.ensure_future(read(socket)))
        await asyncio.sleep(0.5)  # what was new to their eyes has been told
        got, began = 0, time.perf_counter()
        ages.clear()
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        took_s = time.perf_counter() - began
        for each in reading:
            each.cancel()
    p99 = quantiles(ages, n=100)[-1] if len(ages) > 1 else 0.0
    print(json.dumps({"bytes_s": got / took_s / proctors, "age_s": p99}), flush=True)


def main() -> None:
    url, path, *numbers = sys.argv[1:]
    core, sessions, proctors = map(int, numbers)
    os.sched_setaffinity(0, {core})
    uvloop.run(watch(url, path, sessions, proctors))


if __name__ == "__main__":
    main()
