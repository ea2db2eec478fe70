"""A server of `tests.bench.server`, started and spoken to from the process that measures it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
MAX_LINE = 2**24  # bytes of an answer: two thousand join tokens fit


class Server:
    """A server in a process of its own, on a core of its own."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process = process
        self.url = url

    async def ask(self, do: str, **more: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **more}).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the server is gone")
        return json.loads(line)

    async def cpu_s(self) -> float:
        return float((await self.ask("usage"))["cpu_s"])


@asynccontextmanager
async def serving(which: str, core: int, folder: Path) -> AsyncIterator[Server]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.bench.server", which, str(core), str(folder)),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        limit=MAX_LINE,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        url = json.loads(await process.stdout.readline())
        yield Server(process, url)
        process.stdin.close()
    except BaseException:
        process.kill()
        raise
    finally:
        await process.wait()
