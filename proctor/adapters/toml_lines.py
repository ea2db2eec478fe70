"""On which line of a TOML text does each key stand? The parser in the library does not say."""

import re
import tomllib
from collections.abc import Mapping

Path = tuple[str | int, ...]  # ("flag", 2, "for_s")

_BLANK = re.compile(r"(?:[\s,]|#[^\n]*)*")
_KEY = re.compile(r"""(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_.\- \t])+""")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}#\n]+")


class TomlLines:
    """The lines of a text that `tomllib` has read: of every table, key and array element.

    Raises:
        RecursionError: Arrays or inline tables stand too deep in each other.
    """

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._line = 1
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}  # elements of each [[array]] so far
        self._read()

    def line_of(self, path: Path) -> int:
        """Return the line of a path, or of the nearest thing around it; 1 if there is none."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return 1

    @property
    def lines(self) -> Mapping[Path, int]:
        return self._lines

    def _read(self) -> None:
        table: Path = ()
        while True:
            self._skip(_BLANK)
            if self._at == len(self._text):
                return
            if self._text.startswith("[[", self._at):
                table = self._header("[[")
            elif self._text.startswith("[", self._at):
                table = self._header("[")
            else:
                self._pair(table)

    def _header(self, opening: str) -> Path:
        self._skip(re.compile(re.escape(opening) + r"[ \t]*"))
        line = self._line
        names = self._key()
        self._skip(re.compile(r"\]+"))
        path: Path = ()
        for name in names[:-1]:
            self._note((*path, name), line)
            path = self._element((*path, name))
        path = (*path, names[-1])
        if opening == "[[":
            self._note(path, line)
            self._counts[path] = self._counts.get(path, 0) + 1
        path = self._element(path)
        self._note(path, line)
        return path

    def _element(self, path: Path) -> Path:
        """Return the last element of an array of tables, or the path itself."""
        return (*path, self._counts[path] - 1) if path in self._counts else path

    def _pair(self, table: Path) -> None:
        line = self._line
        path = table
        for name in self._key():
            path = (*path, name)
            self._note(path, line)
        self._skip(re.compile(r"[ \t]*=[ \t]*"))
        self._value(path)

    def _value(self, path: Path) -> None:
        opening = self._text[self._at]
        if opening in "[{":
            self._skip(re.compile(r"."))
            index = 0
            while True:
                self._skip(_BLANK)
                if self._text[self._at] in "]}":
                    self._skip(re.compile(r"."))
                    return
                if opening == "{":
                    self._pair(path)
                else:
                    self._note((*path, index), self._line)
                    self._value((*path, index))
                    index += 1
        self._skip(_STRING if opening in "\"'" else _BARE)

    def _key(self) -> tuple[str, ...]:
        raw = self._skip(_KEY)
        # The library unquotes: a key alone is a small document of its own.
        node = tomllib.loads(f"{raw} = 0")
        names = []
        while True:
            ((name, inner),) = node.items()
            names.append(name)
            if not isinstance(inner, dict):
                return tuple(names)
            node = inner

    def _note(self, path: Path, line: int) -> None:
        self._lines.setdefault(path, line)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        assert found is not None  # tomllib read this text before
        self._at = found.end()
        self._line += found[0].count("\n")
        return found[0]
