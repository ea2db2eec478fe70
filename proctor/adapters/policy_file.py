"""One policy file as it is written: its values, its lines, and what is wrong with them.

PolicyError        one thing that is wrong with a file, and where
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic

from proctor.adapters import policy_words
from proctor.adapters import toml_lines as toml
from proctor.adapters.policy_schema import FileDoc

# The longest of ours has 4 KB. tomllib and our reader hold a file in memory several times.
FILE_BYTES_MOST = 256 * 1024
# Of a wrong value, in an error message.
SAID_CHARACTERS = 40


class PolicyError(Exception):
    """One thing that is wrong with a policy file. `str()` is the line to print."""

    def __init__(self, *, file: str, line: int, key: str, problem: str, right: str) -> None:
        super().__init__(f"{file}:{line}: {key + ': ' if key else ''}{problem}; {right}")
        self.file = file
        self.line = line  # from 1
        self.key = key  # "flag.for_s", or "" for the file itself
        self.problem = problem
        self.right = right
        self.others: tuple[PolicyError, ...] = ()  # what else is wrong, in the order of lines


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFile:
    path: Path
    doc: Mapping[str, Any]
    lines: toml.TomlLines

    def error(self, at: toml.Path, problem: str, right: str) -> PolicyError:
        return PolicyError(
            file=str(self.path),
            line=self.lines.line_of(at),
            key=key_of(at),
            problem=problem,
            right=right,
        )


def key_of(at: Iterable[int | str]) -> str:
    """Return the keys of a path: the line says which row of an array it is."""
    return ".".join(_printable(step) for step in at if isinstance(step, str))


def read_file(path: Path) -> PolicyFile:
    def wrong(problem: str, right: str, line: int = 1) -> PolicyError:
        return PolicyError(file=str(path), line=line, key="", problem=problem, right=right)

    try:
        if not path.is_file():
            raise wrong("there is no such file", "the path of a policy file, or a built-in id")
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MOST + 1)
    except OSError as refused:
        problem = f"cannot be read ({refused.strerror})"
        raise wrong(problem, "a file that this user may read") from None
    if len(raw) > FILE_BYTES_MOST:
        raise wrong(
            f"is longer than {FILE_BYTES_MOST // 1024} KiB", "a policy file, which is never so long"
        )
    text = ""
    try:
        text = raw.decode()
        return PolicyFile(path=path, doc=tomllib.loads(text), lines=toml.TomlLines(text))
    except UnicodeDecodeError as refused:
        line = raw.count(b"\n", 0, refused.start) + 1
        raise wrong("is not UTF-8", "a text file saved as UTF-8", line) from None
    except tomllib.TOMLDecodeError as refused:
        raise wrong(*_syntax(str(refused), text)) from None
    except (RecursionError, ValueError) as refused:
        # tomllib lets both through: for brackets in brackets in…, and for a number of more
        # digits than Python reads.
        deep = isinstance(refused, RecursionError)
        problem = "is nested too deep" if deep else "has a number too long to read"
        raise wrong(problem, "a policy as policies/README.md describes it") from None


_PLACE = re.compile(r" \(at (?:line ([0-9]+), column [0-9]+|end of document)\)$")


def _syntax(message: str, text: str) -> tuple[str, str, int]:
    place = _PLACE.search(message)
    line = int(place[1]) if place and place[1] else text.count("\n") + (not text.endswith("\n"))
    problem = _PLACE.sub("", message)
    if "overwrite" in problem or "declare" in problem:
        right = "each key and each [table] once; [[rows]] have two brackets"
    else:
        right = 'TOML such as key = "text", key = 1, [table] or [[row]]'
    return f"is not TOML: {problem[:1].lower()}{problem[1:]}", right, max(1, line)


def shape_errors(file: PolicyFile) -> Iterator[PolicyError]:
    try:
        FileDoc.model_validate(file.doc)
    except pydantic.ValidationError as wrong:
        for detail in wrong.errors(include_url=False):
            yield _shape_error(file, detail["type"], detail["loc"])


def _shape_error(file: PolicyFile, kind: str, loc: tuple[int | str, ...]) -> PolicyError:
    at = _written(file.doc, loc)
    if kind == "extra_forbidden":
        return file.error(at, "is not a key here", _right_key(loc))
    if kind.startswith("union_tag"):
        known = tuple(policy_words.node_at(loc)["discriminator"]["mapping"])
        given = _value(file.doc, at).get("kind")
        like = policy_words.nearest(given, known) if isinstance(given, str) else ""
        problem = "is missing" if given is None else f"is {said(given)}"
        hint = f"did you mean {like}? " if like else ""
        return file.error((*at, "kind"), problem, f"{hint}one of {', '.join(known)}")
    right = policy_words.describe(policy_words.node_at(loc))
    if kind == "missing":
        return file.error(at, "is missing", right)
    value = _value(file.doc, at)
    known = policy_words.node_at(loc).get("enum", ())
    like = policy_words.nearest(value, known) if isinstance(value, str) and known else ""
    hint = f"did you mean {like}? " if like else ""
    return file.error(at, f"is {said(value)}", hint + right)


def _right_key(loc: tuple[int | str, ...]) -> str:
    name, known = str(loc[-1]), policy_words.keys_at(loc[:-1])
    like = policy_words.nearest(name, known)
    if like:
        return f"did you mean {like}?"
    homes = policy_words.homes_of(name)
    if homes:
        return f"it belongs under {' or '.join(homes)}"
    return f"the keys here are {', '.join(known)}"


def _written(doc: object, loc: tuple[int | str, ...]) -> toml.Path:
    """Return where the file has what pydantic names: without the tags of its unions."""
    at: list[int | str] = []
    for place, step in enumerate(loc):
        last = place == len(loc) - 1
        if isinstance(doc, dict) and step not in doc and not last:
            continue
        at.append(step)
        if isinstance(doc, dict):
            doc = doc.get(step)
        elif isinstance(doc, list):
            doc = doc[int(step)]
    return tuple(at)


def _value(doc: Any, at: toml.Path) -> Any:
    for step in at:
        doc = doc[step]
    return doc


def said(value: object) -> str:
    """Return a value as TOML writes it, short enough for a line."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    short = text if len(text) <= SAID_CHARACTERS else f"{text[:SAID_CHARACTERS]}…"
    return f'"{_printable(short)}"' if isinstance(value, str) else short


def _printable(text: str) -> str:
    # A terminal acts on what it cannot show, and an error is one line.
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
