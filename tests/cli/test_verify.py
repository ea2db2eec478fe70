"""`proctor verify`: what it prints, what it exits with, and what it needs: cryptography alone."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from proctor.evidence.verify import STEPS
from tests.cli.running import ROOT, Terminal, in_its_own_process
from tests.vectors.make_evidence_v1 import FOLDER

CASES: list[dict[str, Any]] = json.loads((FOLDER / "bundle.json").read_text(encoding="utf-8"))
GOOD = next(case for case in CASES if case["accept"])
BAD = [case for case in CASES if not case["accept"]]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "s_7q2m.zip"
    path.write_bytes(b64decode(GOOD["bundle_base64"]))
    return path


def test_a_bundle_that_holds_says_so_step_by_step(terminal: Terminal, bundle: Path) -> None:
    ran = terminal.run("verify", bundle, "--key", GOOD["server_vkey"])
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.count("✓") == len(STEPS)
    assert f"{bundle} verifies" in ran.out
    assert "Not proven" in ran.out
    assert "published" not in ran.out


def test_without_a_key_it_says_which_one_to_compare(terminal: Terminal, bundle: Path) -> None:
    ran = terminal.run("verify", bundle)
    assert ran.status == 0
    assert GOOD["server_vkey"] in ran.out
    assert ".well-known/proctor-keys.json" in ran.out


def test_for_machines_it_is_json(terminal: Terminal, bundle: Path) -> None:
    ran = terminal.run("verify", bundle, "--json")
    report = json.loads(ran.out)
    assert (ran.status, report["holds"], report["not_tried"]) == (0, True, [])
    assert [step["number"] for step in report["steps"]] == list(range(1, len(STEPS) + 1))


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in BAD])
def test_a_bundle_that_does_not_hold_says_where_and_why(
    terminal: Terminal, tmp_path: Path, case: dict[str, Any]
) -> None:
    path = tmp_path / "bad.zip"
    path.write_bytes(b64decode(case["bundle_base64"]))
    key = ["--key", case["server_vkey"]] if case["server_vkey"] else []
    ran = terminal.run("verify", path, *key)
    assert ran.status == 1
    assert "does NOT verify" in ran.out
    assert "Traceback" not in ran.err
    report = json.loads(terminal.run("verify", path, *key, "--json").out)
    failed = report["steps"][-1]
    assert not report["holds"]
    assert not failed["held"]
    assert failed["detail"]
    assert len(report["steps"]) + len(report["not_tried"]) == len(STEPS)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(Path.exists, id="absent"),
        pytest.param(Path.mkdir, id="a folder"),
    ],
)
def test_what_cannot_be_read_is_one_line(terminal: Terminal, tmp_path: Path, make: Any) -> None:
    path = tmp_path / "bundle.zip"
    make(path)
    ran = terminal.run("verify", path)
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert str(path) in ran.err


def test_a_key_that_is_none_is_one_line(terminal: Terminal, bundle: Path) -> None:
    ran = terminal.run("verify", bundle, "--key", "no key")
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "name+1a2b3c4d+BASE64" in ran.err


def test_without_a_bundle_it_says_how_it_is_used(terminal: Terminal) -> None:
    ran = terminal.run("verify")
    assert ran.status == 2
    assert "usage: proctor verify" in ran.err


ALONE = """
import sys
from importlib.abc import MetaPathFinder

MAY = {"proctor", "cryptography", "cffi", "_cffi_backend", "pycparser"}

class Only(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MAY | set(sys.stdlib_module_names):
            return None
        raise ModuleNotFoundError(f"hidden: {name}", name=name)

sys.meta_path.insert(0, Only())
sys.path[:0] = [ROOT, SITE]
from proctor.cli import main
sys.argv = ["proctor", *sys.argv[1:]]
main()
"""


def _alone(*arguments: object) -> Any:
    import cryptography  # noqa: PLC0415 - to find where it is installed

    site = Path(cryptography.__file__).parent.parent
    script = ALONE.replace("ROOT", repr(str(ROOT))).replace("SITE", repr(str(site)))
    return in_its_own_process("-I", "-S", "-c", script, *arguments)


def test_it_needs_cryptography_and_nothing_else(bundle: Path, tmp_path: Path) -> None:
    ran = _alone("verify", bundle, "--key", GOOD["server_vkey"])
    assert (ran.status, ran.err) == (0, "")
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b64decode(BAD[0]["bundle_base64"]))
    assert _alone("verify", bad).status == 1


def test_other_commands_say_what_to_install() -> None:
    ran = _alone("serve")
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "pip install 'proctor[server]'" in ran.err
