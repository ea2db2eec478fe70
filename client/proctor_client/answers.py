"""The file of `--answers`: what is wrong with it by itself, and whether an answer fits its item.

Which items there are is told when a section opens, so what can be known before is said before the
link is used: that is when nothing is lost by starting over.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proctor.evidence.record import MAX_BLOB_BYTES
from proctor_client.errors import BadInput

_GIVE = "Give a JSON object of item and response."
_SAFE = "Nothing was sent in this run."
# What an exam server takes as text: `domain/exam.py`, `check_response`.
_MOST_CHARS = {"fill-in": 1000, "short-text": 20_000}
_MOST_BYTES = 60_000
# One word with such an end names a file: no choice's id has a full stop. Endings that names in a
# program have as well ("x.mean", "df.loc") are not among them.
_FILE_LIKE = re.compile(
    r"\S+\.(?:csv|docx?|gif|heic|ipynb|jpe?g|json|md|od[pst]|pdf|png|pptx?|py|r|rmd|rtf|tar|tex"
    r"|tiff?|tsv|txt|xlsx?|zip)",
    re.IGNORECASE,
)
_FILE = {"name": str, "sha256": str, "size": int}
_MOST_TOLD = 10
_NAME_CHARS = 64  # of an item


def read_answers(path: Path) -> dict[str, Any]:
    """Read a file of answers: {item: response}, each of a type that some item takes.

    Raises:
        BadInput: It is no such file; all answers that no item can take are named.
    """
    try:
        answers = json.loads(path.read_bytes(), object_pairs_hook=_each_once)
    except OSError as no:
        raise BadInput(f"{path} can't be read: {no.strerror}.", safe=_SAFE, do=_GIVE) from None
    except RecursionError:
        raise BadInput(f"{path} holds lists in lists without end.", safe=_SAFE, do=_GIVE) from None
    except ValueError as no:
        raise BadInput(f"{path} can't be used: {no}.", safe=_SAFE, do=_GIVE) from None
    if not isinstance(answers, dict):
        raise BadInput(f"{path} holds no JSON object.", safe=_SAFE, do=_GIVE)
    _refuse(path, [(item, _type_problem(response)) for item, response in answers.items()])
    return answers


def check_files(answers: Mapping[str, Any], path: Path) -> None:
    """Check the files that answers name, beside the file of answers at `path`.

    Raises:
        BadInput: Some are missing, empty, or larger than any exam takes; all are named.
    """
    found = [(item, _file_problem(path.parent, response)) for item, response in answers.items()]
    _refuse(path, found)


def named(items: list[str]) -> str:
    """Return names of items for a sentence; they may be anything that a file can hold."""
    shown = ", ".join(json.dumps(item[:_NAME_CHARS]) for item in items[:_MOST_TOLD])
    more = len(items) - _MOST_TOLD
    return f"{shown} and {more} more" if more > 0 else shown


def file_name(response: object) -> str:
    """Return the file that an answer to a file-upload names, "" if none."""
    if isinstance(response, dict):
        return str(response.get("name", ""))
    return response if isinstance(response, str) else ""


def fitting(item: Mapping[str, Any], response: Any) -> Any:
    """Return a response as its item takes it: choices sorted, each once. None: it takes it not.

    An upload's file is not looked at.
    """
    ids = [choice["id"] for choice in item.get("choices") or ()]
    match item["kind"]:
        case "single-choice":
            fits = isinstance(response, str) and response in ids
        case "multiple-choice":
            fits = isinstance(response, list) and all(each in ids for each in response)
            response = sorted(set(response)) if fits else response
        case "file-upload":
            name = file_name(response)
            fits = bool(name) and not any(map(_is_control, name))
        case kind:
            fits = isinstance(response, str) and _is_text(response, _MOST_CHARS.get(kind))
    return response if fits else None


def takes(item: Mapping[str, Any]) -> str:
    """Return what would fit an item, in words."""
    ids = [str(choice["id"]) for choice in item.get("choices") or ()]
    match item["kind"]:
        case "single-choice":
            return f"one of {', '.join(ids)}"
        case "multiple-choice":
            return f"a list of any of {', '.join(ids)}"
        case "file-upload":
            ends = " or ".join(str(each) for each in item.get("suffixes") or ())
            most = min(int(item.get("max_bytes") or MAX_BLOB_BYTES), MAX_BLOB_BYTES)
            return f"a file{' that ends in ' * bool(ends)}{ends}, of 1 to {most} bytes"
        case kind:
            most_chars = _MOST_CHARS.get(kind)
            return f"text of at most {most_chars} characters" if most_chars else "text"


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{named([key])} stands in it twice")
        found[key] = value
    return found


def _refuse(path: Path, found: list[tuple[str, str]]) -> None:
    problems = [f"{named([item])} {problem}" for item, problem in found if problem]
    if problems:
        more = len(problems) - _MOST_TOLD
        shown = problems[:_MOST_TOLD] + [f"and {more} more."] * (more > 0)
        lines = "\n".join(f"  {problem}" for problem in shown)
        raise BadInput(
            f"{path} can't be used:\n{lines}",
            safe=_SAFE,
            do="Mend the file, then run the same command again.",
        )


def _type_problem(response: object) -> str:
    match response:
        case str():
            return ""
        case list():
            strings = all(isinstance(each, str) for each in response)
            return "" if strings else "is a list of other things than choices in quotes."
        case dict():
            named_right = response.keys() == _FILE.keys() and all(
                type(response[key]) is kind for key, kind in _FILE.items()
            )
            return "" if named_right else "is an object, and names no file: name, sha256 and size."
        case bool():
            return "is true or false: an answer is text, in quotes, or a list of choices."
        case int() | float():
            return "is a number: put it in quotes."
        case _:
            return "is null: leave it out, if it has no answer."


def _file_problem(folder: Path, response: object) -> str:
    name = file_name(response)
    if not isinstance(response, dict) and not _FILE_LIKE.fullmatch(name):
        return ""
    space = "" if isinstance(response, dict) else " If it is no file, end it with a space."
    try:
        path = folder / name
        if not path.is_file():
            return f"names a file that is not there: {path}.{space}"
        size = path.stat().st_size
    except (OSError, ValueError):  # such as a name with half a character
        return f"names a file that can't be read.{space}"
    if not 1 <= size <= MAX_BLOB_BYTES:
        return f"names a file of {size} bytes; an exam takes 1 to {MAX_BLOB_BYTES}: {path}."
    return ""


def _is_text(text: str, most_chars: int | None) -> bool:
    controls = set(filter(_is_control, text))
    short = most_chars is None or len(text) <= most_chars
    return short and len(text.encode(errors="replace")) <= _MOST_BYTES and controls <= set("\t\n\r")


def _is_control(character: str) -> bool:
    # Cs is half a character: no UTF-8 at all.
    return unicodedata.category(character) in {"Cc", "Cs"}
