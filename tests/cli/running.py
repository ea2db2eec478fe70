"""Commands as people run them: in this process where that is enough, else in one of their own."""

import io
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from proctor import cli

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


class Terminal:
    """Runs `proctor` in this process; `data` is the folder it works on."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        data: Path,
    ) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.data = data

    def run(self, *arguments: object, typed: str = "") -> Ran:
        self._monkeypatch.setattr(sys, "argv", ["proctor", *map(str, arguments)])
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        self._monkeypatch.setenv("PROCTOR_DATA", str(self.data))
        self._monkeypatch.setenv("COLUMNS", "200")
        self._capsys.readouterr()
        status: object = 0
        try:
            cli.main()
        except SystemExit as end:
            status = end.code or 0
        said = self._capsys.readouterr()
        assert isinstance(status, int)
        return Ran(status, said.out, said.err)

    def refused(self, *arguments: object, typed: str = "") -> str:
        """Run what is refused: one line that people can act on, and no traceback."""
        ran = self.run(*arguments, typed=typed)
        assert ran.status == 1, ran
        assert "Traceback" not in ran.err
        line, end, rest = ran.err.partition("\n")
        assert (end, rest) == ("\n", ""), ran.err
        return line


def in_its_own_process(*command: object, **more: object) -> Ran:
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **more,  # type: ignore[call-overload] # a test's own words
    )
    return Ran(done.returncode, done.stdout, done.stderr)
