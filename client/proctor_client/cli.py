"""The commands of `proctor-client`."""

import asyncio
import errno
import json
import logging
import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import cv2
import platformdirs
import typer
from rich.console import Console

from proctor_client import checks as checking
from proctor_client.agent import Plan, take
from proctor_client.answers import check_files, read_answers
from proctor_client.errors import AGAIN, SAVED, ClientError
from proctor_client.keys import keyring_wanted
from proctor_client.looking import look_back
from proctor_client.screen import Screen, Script, Terminal
from proctor_client.server import parse_link
from proctor_client.spool import BLOBS_LIMIT_BYTES

_MARKS = {
    "ok": "[green]✓[/]",
    "mind": "[yellow]![/]",
    "mend": "[red]✗[/]",
    "not-tried": "[dim]-[/]",
}
_INTERRUPTED = 130

app = typer.Typer(
    help="Take a proctored exam on this computer.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals hold tokens and keys
    add_completion=False,
)

Camera = Annotated[
    str, typer.Option(help="0 is the first camera; or a clip or picture in its place.")
]
Data = Annotated[
    Path | None, typer.Option(help="Folder to keep sessions in.", show_default="the user's data")
]


@app.command()
def check(
    *,
    link: Annotated[
        str | None,
        typer.Argument(help="Your join link: its exam's rules are checked, and nothing is joined."),
    ] = None,
    server: Annotated[str | None, typer.Option(help="The exam server's address.")] = None,
    camera: Camera = "0",
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """See whether this computer is ready: exit code 1 if something must be mended."""
    folder = data or _data_folder()
    of = parse_link(link) if link else None
    found = asyncio.run(checking.all_checks(server=server, camera=camera, folder=folder, link=of))
    if as_json:
        print(json.dumps(checking.as_json(found), indent=2))
    else:
        console = Console(highlight=False)
        for each in found:
            console.print(f"{_MARKS[each.status]} {each.check:<9}", each.says, each.do)
    if not checking.ready(found):
        raise typer.Exit(1)


@app.command(name="take")
def take_exam(
    *,
    link: Annotated[str, typer.Argument(help="The join link of your invitation.")],
    camera: Camera = "0",
    camera_offset: Annotated[
        float, typer.Option(help="Seconds into the clip to begin at.", min=0)
    ] = 0.0,
    answers: Annotated[
        Path | None, typer.Option(help="JSON file {item: response}: nobody is asked.")
    ] = None,
    document: Annotated[
        Path | None, typer.Option(help="Picture of your photo ID, instead of the camera.")
    ] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Accept the exam's rules.")] = False,
    data: Data = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Only continue what was begun here.")
    ] = False,
    pace: Annotated[float, typer.Option(help="Seconds between answers of a file.", min=0)] = 1.0,
    hold: Annotated[float, typer.Option(help="Seconds to stay in each section.", min=0)] = 0.0,
    spool_bytes: Annotated[
        int, typer.Option(help="Most that pictures may use while they wait.", min=0)
    ] = BLOBS_LIMIT_BYTES,
) -> None:
    """Take the exam of a join link, or continue it: exit code 0 once it is submitted and receipted.

    The same command continues after any interruption.
    """
    plan = Plan(
        link=parse_link(link),
        data=data or _data_folder(),
        camera=camera,
        camera_offset_s=camera_offset,
        document=document,
        answers_folder=answers.parent if answers else Path(),
        resume=resume,
        hold_s=hold,
        blobs_limit_bytes=spool_bytes,
        use_keyring=keyring_wanted(),
    )
    screen: Screen
    if answers is None:
        screen = Terminal(accepts=accept)
    else:
        given = read_answers(answers)
        # Once begun, a file may be gone that was uploaded: its section says what it misses.
        if not plan.joined_path.exists():
            check_files(given, answers)
        screen = Script(given, accepts=accept, pace_s=pace)
    try:
        asyncio.run(take(plan, screen))
    except KeyboardInterrupt:
        _tell("Stopped.", SAVED, AGAIN)
        raise typer.Exit(_INTERRUPTED) from None


@app.command(name="after")
def look_back_at(
    *,
    link: Annotated[str, typer.Argument(help="The join link of your invitation.")],
    data: Data = None,
    only_print: Annotated[
        bool, typer.Option("--print", help="Print the link, and open no browser.")
    ] = False,
) -> None:
    """After the exam: say how its review stands, and open all that was seen in a browser.

    Run it on the computer that you sat the exam with, as often as you like.
    """
    plan = Plan(
        link=parse_link(link),
        data=data or _data_folder(),
        camera="",
        blobs_limit_bytes=0,
        use_keyring=keyring_wanted(),
    )
    found = asyncio.run(look_back(plan, say=_tell))
    print(*filter(None, (found.exam, *found.lines)), sep="\n")
    opened = not only_print and webbrowser.open(found.link)
    print(
        "All of it opens in your browser now. If it does not, open this:"
        if opened
        else "All of it, and room to answer, is behind this link. Open it in a browser:",
        found.link,
        f"It works once, until {found.until}. Run the command again for another; it ends this one.",
        sep="\n",
    )


def main() -> None:
    """Run the command line; every error becomes what happened, what is safe, what to do."""
    # OpenCV and aiohttp have nothing to say to a learner that this program does not say better.
    logging.disable(logging.CRITICAL)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    status = _run()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # Not sys.exit: a camera's or the keyboard's thread may be deep in a driver, and ending the
    # interpreter around it aborts the process. All that matters is on disk by now.
    os._exit(status)


def _run() -> int:
    try:
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except ClientError as no:
        _tell(no.happened, no.safe, no.do)
        return 1
    except OSError as no:
        if no.errno != errno.ENOSPC:
            raise
        _tell("The disk of this computer is full.", SAVED, "Free some space. " + AGAIN)
        return 1
    return 0


def _tell(*sentences: str) -> None:
    print(*filter(None, sentences), sep="\n", file=sys.stderr)


def _data_folder() -> Path:
    return platformdirs.user_data_path("proctor-client", appauthor=False) / "sessions"


if __name__ == "__main__":
    main()
