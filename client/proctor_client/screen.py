"""What the learner sees and says: in a terminal, or from a file of answers.

The agent decides what happens; a screen only asks and tells. It shows one thing at a time.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.markup import escape

from proctor_client.answers import fitting, named, takes
from proctor_client.errors import BadInput, ClientError, Unsaveable

LATER = (
    "To see what was seen and what people decide, run this with your link, here:"
    " proctor-client after LINK"
)

Item = Mapping[str, Any]  # as the server sends it: id, kind, points, text, choices…
_MINUTE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """One section while it is open."""

    section: str
    title: str
    items: list[Item]
    given: Mapping[str, Any]  # item: the response that counts; grows with each `save`
    save: Callable[[Item, Any], Awaitable[None]]  # durable on return; raises ClientError
    ends: Callable[[], str]  # "15:42 CET (in 38 minutes)"
    between: Callable[[], Awaitable[object]]  # awaited where nobody is in the middle of an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The server's last word on this computer's log."""

    path: Path
    text: str
    size: int
    at: str  # the server's time, on the reader's clock


class Screen(Protocol):
    def say(self, text: str) -> None:
        """Tell one sentence, from anywhere in the event loop."""

    def notice(self, title: str, parts: list[dict[str, Any]]) -> None:
        """Show the rules: parts of {heading, lines}."""

    async def accept(self) -> bool:
        """Ask whether the learner accepts them."""

    async def ready(self, purpose: str, *, may_wait: bool) -> bool:
        """Wait until the learner is ready for a picture: "face" or "document".

        Returns False where they put it off, which only one that `may_wait` can be.
        """

    async def keep(self, hint: str) -> bool:
        """Say what is wrong with a picture; return whether to keep it nevertheless."""

    async def begin(self, title: str, limit_s: int) -> None:
        """Wait until the learner wants to open a section."""

    async def work(self, sitting: Sitting) -> None:
        """Ask the section's questions; return when the learner hands it in."""

    async def confirm_submit(self, answered: Collection[str]) -> None:
        """Wait until the learner wants to submit; `answered` are ids of items."""

    def receipt(self, receipt: Receipt) -> None: ...


class Script:
    """Answers from a file, and one quiet line for each thing that happens."""

    def __init__(self, answers: Mapping[str, Any], *, accepts: bool, pace_s: float) -> None:
        self._answers = answers
        self._accepts = accepts
        self._pace_s = pace_s
        self._seen: dict[str, None] = {}  # items of the sections that were opened, in their order
        self._unsent: set[str] = set()  # those whose answers can't be, as was said

    def say(self, text: str) -> None:
        sys.stdout.write(f"proctor-client: {text}\n")
        sys.stdout.flush()

    def notice(self, title: str, parts: list[dict[str, Any]]) -> None:
        self.say(f"{title}: rules in {len(parts)} parts.")

    async def accept(self) -> bool:
        return self._accepts

    async def ready(self, purpose: str, *, may_wait: bool) -> bool:  # noqa: ARG002 - it has time
        self.say(f"Taking the {purpose} picture.")
        return True

    async def keep(self, hint: str) -> bool:
        self.say(hint)
        return True

    async def begin(self, title: str, limit_s: int) -> None:
        self.say(f"Opening {title} ({duration(limit_s)}).")

    async def work(self, sitting: Sitting) -> None:
        self._seen |= dict.fromkeys(str(item["id"]) for item in sitting.items)
        for item in sitting.items:
            if self._is_due(item, sitting) and fitting(item, self._answers[item["id"]]) is None:
                self._tell_unsent(item)
        for item in sitting.items:
            await sitting.between()
            if self._is_due(item, sitting):
                await asyncio.sleep(self._pace_s)
                try:
                    await sitting.save(item, fitting(item, self._answers[item["id"]]))
                except (BadInput, Unsaveable) as no:  # the other answers are as good as before
                    self._tell_unsent(item, no.happened)
        if self._unsent:
            # Handed in, it could not be mended any more.
            raise BadInput(
                f"{sitting.title} is not handed in: answers of it are not sent.",
                safe="All others are saved.",
                do="Mend those answers or take them out of the file, then run the same command"
                " again while the section is open.",
            )

    def _is_due(self, item: Item, sitting: Sitting) -> bool:
        done = item["id"] in sitting.given or item["id"] in self._unsent
        return item["id"] in self._answers and not done

    def _tell_unsent(self, item: Item, why: str = "it does not fit.") -> None:
        self._unsent.add(item["id"])
        self.say(f"Your answer to {named([item['id']])} is not sent: {why} Needed: {takes(item)}.")

    async def confirm_submit(self, answered: Collection[str]) -> None:
        strays = [item for item in self._answers if item not in self._seen and item not in answered]
        if strays:
            left = [item for item in self._seen if item not in answered]
            only = f" Without an answer: {named(left)}." if left else ""
            self.say(f"No section opened by this run has {named(strays)}: not sent.{only}")
        self.say(f"Submitting; {len(answered)} questions are answered.")

    def receipt(self, receipt: Receipt) -> None:
        self.say(f"Submitted. Receipt for {receipt.size} records, {receipt.at}: {receipt.path}")
        self.say(LATER)


class Terminal:
    """Asks a person, line by line."""

    def __init__(self, *, accepts: bool) -> None:
        self._accepts = accepts
        self._console = Console(width=min(Console().width, 80), highlight=False)
        self._lines: asyncio.Queue[str | None] | None = None

    def say(self, text: str) -> None:
        self._console.print(f"[dim]· {escape(text)}[/dim]")

    def notice(self, title: str, parts: list[dict[str, Any]]) -> None:
        self._console.rule(escape(title))
        for part in parts:
            self._console.print(f"\n[bold]{escape(str(part.get('heading', '')))}[/bold]")
            for line in part.get("lines", []):
                self._console.print(f"  • {escape(str(line))}")
        self._console.print()

    async def accept(self) -> bool:
        if self._accepts:
            return True
        return (await self._ask("Do you accept these rules? (yes/no)")).casefold() in {"yes", "y"}

    async def ready(self, purpose: str, *, may_wait: bool) -> bool:
        what = {
            "face": "Look into the camera, with the light in front of you.",
            "document": "Hold your photo ID in front of the camera, so that it can be read.",
        }[purpose]
        how = "Then press Enter, or type later." if may_wait else "Then press Enter."
        return (await self._ask(f"{what} {how}")).casefold() != "later" or not may_wait

    async def keep(self, hint: str) -> bool:
        said = await self._ask(f"{hint} Press Enter to take it again, or type keep.")
        return said.casefold() == "keep"

    async def begin(self, title: str, limit_s: int) -> None:
        self._console.rule(escape(title))
        await self._ask(
            f"You have {duration(limit_s)}, and the clock starts now. Press Enter to open it."
        )

    async def work(self, sitting: Sitting) -> None:
        self._console.print(f"[bold]{escape(sitting.title)}[/bold] ends at {sitting.ends()}.")
        for number, item in enumerate(sitting.items, 1):
            await sitting.between()
            if item["id"] not in sitting.given:
                await self._question(sitting, number, item)
        while True:
            await sitting.between()
            done = sum(item["id"] in sitting.given for item in sitting.items)
            said = await self._ask(
                f"{done} of {len(sitting.items)} answered; ends at {sitting.ends()}. Type a"
                " question's number to answer it again, or done to hand this section in."
            )
            if said.casefold() == "done":
                return
            if said.isdecimal() and 0 < int(said) <= len(sitting.items):
                await self._question(sitting, int(said), sitting.items[int(said) - 1])

    async def confirm_submit(self, answered: Collection[str]) -> None:
        await self._ask(
            f"All sections are over. You answered {len(answered)} questions. Press Enter to submit."
        )

    def receipt(self, receipt: Receipt) -> None:
        self._console.rule("Submitted")
        self._console.print(
            f"The exam server confirmed {receipt.size} records at {receipt.at}. This is your"
            " receipt; keep the file."
        )
        self._console.print(escape(receipt.text))
        self._console.print(escape(str(receipt.path)), soft_wrap=True)
        self._console.print(escape(LATER))

    async def _question(self, sitting: Sitting, number: int, item: Item) -> None:
        self._console.print()
        self._console.print(
            f"[bold]Question {number} of {len(sitting.items)}[/bold]"
            f" ({item.get('points', 0)} points) · ends at {sitting.ends()}"
        )
        # As it was written: rendered, Markdown eats the backslashes of its formulas.
        self._console.print(escape(str(item.get("text", ""))))
        letters = {chr(ord("a") + at): each for at, each in enumerate(item.get("choices", []))}
        for letter, choice in letters.items():
            self._console.print(f"  {letter}) {escape(str(choice.get('text', '')))}")
        while True:
            said = await self._ask(_PROMPTS.get(item["kind"], _PROMPTS["fill-in"]))
            if not said:
                return
            try:
                if item["kind"] == "short-text":
                    await self._more_lines(sitting, item, said)
                else:
                    await sitting.save(item, _response(item["kind"], said, letters))
            except ClientError as no:
                self._console.print(f"{escape(no.happened)} {escape(no.do)}".strip())
            else:
                self.say("Saved.")
                return

    async def _more_lines(self, sitting: Sitting, item: Item, first: str) -> None:
        """Take lines up to a full stop alone; each is saved as it comes.

        When time runs out in mid-sentence, what was typed is what counts.
        """
        lines = [first]
        while True:
            await sitting.save(item, "\n".join(lines))
            if (line := await self._line()) == ".":
                return
            lines.append(line)

    async def _ask(self, prompt: str) -> str:
        self._console.print(f"[bold cyan]?[/bold cyan] {escape(prompt)}")
        return (await self._line()).strip()

    async def _line(self) -> str:
        if self._lines is None:
            self._lines = asyncio.Queue()
            _read_lines(self._lines)
        line = await self._lines.get()
        if line is None:
            self._lines.put_nowait(None)
            raise BadInput(
                "There is nobody at the keyboard any more: the input has ended.",
                safe="Everything you answered is saved on this computer.",
                do="Run the same command again to continue where you were.",
            )
        return line


_PROMPTS = {
    "single-choice": "Your choice, one letter. Enter alone leaves it for later.",
    "multiple-choice": "Your choices, such as a,c; or none. Enter alone leaves it for later.",
    "fill-in": "Your answer. Enter alone leaves it for later.",
    "short-text": "Your answer, ended by a line with a full stop alone. Enter leaves it for later.",
    "file-upload": "The path of your file. Enter alone leaves it for later.",
}


def duration(seconds: float) -> str:
    """Return a length of time in words: "38 minutes"."""
    if seconds < _MINUTE_S:
        count, unit = max(0, round(seconds)), "second"
    else:
        count, unit = round(seconds / _MINUTE_S), "minute"
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _response(kind: str, said: str, letters: Mapping[str, Mapping[str, Any]]) -> Any:
    if kind == "single-choice":
        if said.casefold() not in letters:
            raise BadInput("Please type one of the letters.")
        return letters[said.casefold()]["id"]
    if kind == "multiple-choice":
        chosen = (
            set() if said.casefold() == "none" else set(said.casefold().replace(",", " ").split())
        )
        if not chosen <= letters.keys():
            raise BadInput("Please type letters from the list, with commas between them.")
        return sorted(letters[letter]["id"] for letter in chosen)
    return said


def _read_lines(lines: asyncio.Queue[str | None]) -> None:
    """Read the standard input in a thread: a prompt must give way to a deadline."""
    loop = asyncio.get_running_loop()

    def tell(line: str | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(lines.put_nowait, line)

    def work() -> None:
        # Not sys.stdin: a daemon thread that holds its lock breaks the end of the program.
        rest = b""
        with suppress(OSError):  # no standard input at all is one that has ended
            while data := os.read(0, 65_536):
                *whole, rest = (rest + data).split(b"\n")
                for line in whole:
                    tell(line.decode(errors="replace").rstrip("\r"))
        if rest:
            tell(rest.decode(errors="replace"))
        tell(None)

    threading.Thread(target=work, name="keyboard", daemon=True).start()
