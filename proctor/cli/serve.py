"""`proctor serve`: one process, one port."""

import asyncio
import gc
import logging
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import structlog

from proctor.adapters import slices
from proctor.config import Settings, open_parts
from proctor.web.app import build
from proctor.web.serve import listening


async def run(settings: Settings, *, host: str, port: int) -> None:
    """Serve until the process is told to stop.

    Raises:
        CannotListen: The port is taken, or may not be listened on.
    """
    log_to_stderr()
    slices.ask(slices.SERVER_NS)
    hand_over_soon()
    put_threads_behind()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stop.set)
    async with (
        open_parts(settings) as parts,
        listening(build(parts), host=host, port=port) as url,
    ):
        spare_the_collector()
        print(f"Proctor serves {url} from {settings.data}. Stop it with Ctrl-C.", flush=True)
        await stop.wait()


def spare_the_collector() -> None:
    """Have the garbage collector look less often, and not at what lives as long as the server.

    Every batch makes some dozens of objects and hardly a cycle: left to its defaults the collector
    took a tenth of the time of the hot path.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def hand_over_soon() -> None:
    """Have a thread that computes hand over the interpreter after 0.5 ms, not after 5.

    While flags are looked for in a long log, each step of a receipt waits that long for its turn:
    beside a thread that computes, one such step took 5.3 ms by default and 0.7 ms so.
    """
    sys.setswitchinterval(0.0005)


def put_threads_behind() -> None:
    """Have the event loop's threads come behind it. To be called before it has made one."""
    behind = ThreadPoolExecutor(thread_name_prefix="thread", initializer=slices.step_back)
    asyncio.get_running_loop().set_default_executor(behind)


def log_to_stderr() -> None:
    """Log one JSON object a line: constant message, facts beside it."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # which tells of each start
