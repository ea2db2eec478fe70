import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import Terminal


@pytest.fixture
def terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Terminal:
    return Terminal(monkeypatch, capsys, tmp_path / "data")


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Undo what `serve` does to the process's logging: here it shares it with other tests."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = handlers, level
