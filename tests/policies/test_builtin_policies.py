"""The policies that come with Proctor are right, say what they should, and are documented."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proctor.adapters import policies
from proctor.adapters.policy_schema import FileDoc
from proctor.adapters.policy_words import describe, tables
from proctor.domain.flags import CLASS_OF
from proctor.domain.policy import (
    Paper,
    SystemReport,
    Website,
    Writing,
    program_allowed,
    resources_for,
    section_mismatches,
    system_refusals,
    website_allowed,
)

FOLDER = policies.builtin_folder()
FILES = sorted(FOLDER.glob("*.toml"))
NAMES = {"closed-book", "open-book", "mitx-sds-capstone", "mitx-pom-final", "demo"}
README = (FOLDER / "README.md").read_text()


def test_the_policies_are_all_there() -> None:
    assert {path.stem for path in FILES} == NAMES


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in FILES])
def test_a_policy_is_right_named_as_its_file_and_passes_its_tests(path: Path) -> None:
    loaded = policies.load(path)
    assert loaded.policy.id == path.stem
    results = policies.run_tests(loaded)
    assert [result.words for result in results if not result.passed] == []
    assert [result for result in results if result.expected]
    assert [result for result in results if not result.expected]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in FILES])
def test_a_policy_raises_something_for_every_rule_it_writes(path: Path) -> None:
    own = {rule["when"] for rule in tomllib.loads(path.read_text()).get("flag", [])}
    expected = {name for test in policies.load(path).tests for name in test.expect}
    # No device can say that it forked its log: the server does.
    assert own - expected <= {"frozen", "log-fork"} | (
        {"dark", "no-face"} if path.stem == "demo" else set()
    )


def test_the_capstone_has_two_parts_of_two_sections_in_a_fixed_order() -> None:
    policy = policies.load(FOLDER / "mitx-sds-capstone.toml").policy
    assert policy.sections.order == ("part-a1", "part-a2", "part-b1", "part-b2")
    assert policy.sections.limit_s == 2 * 60 * 60
    for section_id in ("part-a1", "part-a2"):
        kinds = {type(thing) for thing in resources_for(policy, section_id)}
        assert kinds == {Paper, Writing}
    for section_id in ("part-b1", "part-b2"):
        assert program_allowed(policy, "Rgui.exe", section_id)
        assert program_allowed(policy, "python", section_id)
    assert section_mismatches(policy, [(s, 7200) for s in policy.sections.order]) == ()


def test_the_manufacturing_final_allows_a_sheet_a_pen_and_one_of_three_translators() -> None:
    policy = policies.load(FOLDER / "mitx-pom-final.toml").policy
    paper, writing, website = policy.allow
    assert paper == Paper(sheets=1, sides=2, must_be="blank")
    assert writing == Writing(pen=True, pencil=True)
    assert isinstance(website, Website)
    assert website.choose == 1
    assert policy.sections.limit_s == 2 * 60 * 60
    for url in (
        "https://translate.google.com",
        "http://fanyi.youdao.com",
        "https://cn.bing.com/translator",
    ):
        assert website_allowed(policy, url, "any")


@pytest.mark.parametrize(
    ("report", "refused"),
    [
        pytest.param(SystemReport(os="windows", os_version="6.3.9600"), True, id="Windows 8.1"),
        pytest.param(SystemReport(os="windows", os_version="10.0.1"), False, id="Windows 10"),
        pytest.param(
            SystemReport(maker="Microsoft Corporation", model="Surface Pro 7"), True, id="Surface"
        ),
        pytest.param(SystemReport(form="phone"), True, id="a phone"),
        pytest.param(SystemReport(form="tablet"), True, id="a tablet"),
        pytest.param(SystemReport(os="macos", os_version="14.5", form="laptop"), False, id="a Mac"),
    ],
)
@pytest.mark.parametrize("name", ["mitx-pom-final", "mitx-sds-capstone"])
def test_computers_that_do_not_work_are_refused(
    name: str, report: SystemReport, refused: bool
) -> None:
    policy = policies.load(FOLDER / f"{name}.toml").policy
    assert bool(system_refusals(policy, report)) == refused


def test_a_closed_book_exam_compares_faces_and_weighs_it_below_a_fork_of_the_log() -> None:
    policy = policies.load(FOLDER / "closed-book.toml").policy
    rules = {rule.when: rule for rule in policy.flags}
    assert (rules["another-person"].severity, rules["another-person"].below) == (0.8, None)
    assert rules["looped"].severity < rules["another-person"].severity < rules["log-fork"].severity
    assert policy.identity.unexpired
    assert policy.identity.kinds == ()


@pytest.mark.parametrize("program", ["RWorkbench", "rworkbench.exe", "/opt/R/RWorkbench"])
def test_rworkbench_is_for_part_two_of_the_capstone(program: str) -> None:
    policy = policies.load(FOLDER / "mitx-sds-capstone.toml").policy
    allowed = [name for name in policy.sections.order if program_allowed(policy, program, name)]
    assert allowed == ["part-b1", "part-b2"]


def test_the_demonstration_has_the_pace_of_a_film() -> None:
    policy = policies.load(FOLDER / "demo.toml").policy
    rules = {rule.when: rule for rule in policy.flags}
    assert policy.capture.snapshot_every_s == 1
    assert not policy.identity.hold
    assert (policy.time.give_back, policy.time.after_s, policy.time.most_s) == ("all", 5, 600)
    assert (rules["person-count"].above, rules["person-count"].for_s) == (1, 2)
    assert [rules[when].for_s for when in ("covered", "dark", "no-face")] == [2, 2, 4]


# --- the README ------------------------------------------------------------------------------


def documented() -> dict[tuple[str, str], list[str]]:
    """Return every row of every table of keys: type, default, meaning and example."""
    rows = {}
    title = ""
    for line in README.splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ").removeprefix("The top of the file")
        found = re.fullmatch(r"\| `([a-z_]+)` \| (.+) \|", line)
        if found:
            rows[title, found[1]] = [cell.strip() for cell in found[2].split(" | ")]
    return rows


def keys() -> Iterator[tuple[str, str, Any, bool]]:
    """Return every key a file may have: table, key, schema, required."""
    titles = {title for title, _ in tables()}
    for title, node in tables():
        for key, inner in node["properties"].items():
            # A table's keys are documented in its own section.
            below = {f"[{key}]", f"[[{key}]]"} if not title else set()
            if below & titles or any(f"[[{key}]] " in other for other in titles if not title):
                continue
            yield title, key, inner, key in node.get("required", ())


def written(default: object) -> str:
    if default is None:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    return "empty" if default in ("", []) else str(default)


def test_the_readme_documents_every_key_and_no_other() -> None:
    assert set(documented()) == {(title, key) for title, key, _, _ in keys()}


def test_every_table_has_its_section() -> None:
    headings = set(re.findall(r"^## (.+)$", README, re.MULTILINE))
    assert {title for title, _ in tables() if title} <= headings


def test_the_readme_says_each_keys_type_and_default() -> None:
    rows = documented()
    for title, key, node, required in keys():
        kind, default, meaning, _ = rows[title, key]
        assert (title, key, kind) == (title, key, describe(node))
        assert (title, key, default) == (
            title,
            key,
            "required" if required else written(node.get("default")),
        )
        assert meaning


def test_every_example_of_the_readme_is_right() -> None:
    given: dict[str, dict[str, Any]] = {}
    for (title, key), cells in documented().items():
        example = tomllib.loads(cells[3].strip("`"))
        assert list(example) == [key]
        given.setdefault(title, {}).update(example)
    doc = dict(given[""])
    doc["allow"] = [
        rows for title, rows in given.items() if re.fullmatch(r"\[\[allow\]\] \w+", title)
    ]
    doc["allow"].append(given["[[allow]] website"] | {"of": [given["[[allow]] website.of"]]})
    doc["flag"] = [given["[[flag]]"]]
    rows = [rows for title, rows in given.items() if title.startswith("[[test]].given ")]
    doc["test"] = [given["[[test]]"], given["[[test]]"] | {"given": rows}]
    for name in ("sections", "identity", "capture", "time", "system", "review", "retain", "drop"):
        doc[name] = given[f"[{name}]"]
    doc["system"]["refuse"].append(given["[system.refuse]"])

    FileDoc.model_validate(doc)

    used = {"[[allow]]", "[[flag]]", "[[test]]", *(f"[{name}]" for name in doc)}
    assert {title.split(" ")[0].split(".")[0] for title in given if title} <= used | {"[system"}


def test_the_sample_of_the_readme_is_a_policy_that_passes(tmp_path: Path) -> None:
    (sample,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "thermo-midterm.toml"
    path.write_text(sample)
    (result,) = policies.test_files([path])
    assert result.ok, result.lines


def test_the_readme_tells_every_rules_class() -> None:
    told = dict(re.findall(r"^\| ([a-z-]+) \| (quality|conduct) \|", README, re.MULTILINE))
    assert told == {when: str(flag_class) for when, flag_class in CLASS_OF.items()}


def test_the_readme_names_every_file() -> None:
    assert set(re.findall(r"^\| `([a-z-]+)\.toml` \|", README, re.MULTILINE)) == NAMES
