"""Programs that a policy looks for, as real processes."""

import asyncio
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from proctor_client.agent import Plan, take
from proctor_client.errors import DiskFull
from proctor_client.programs import displays_most, program_name, running, watched
from proctor_client.recorder import Recorder
from proctor_client.screen import Item, Script, Sitting
from proctor_client.server import parse_link

from proctor.adapters import policies
from proctor.domain.policy import watched_programs
from proctor.evidence.record import Kind
from tests.client.clips import grey, write_clip
from tests.client.exam_server import ExamServer, serving

LOOKED_FOR, NOT_LOOKED_FOR = "proctor-seen", "proctor-other"
ANSWERS = {f"{part}{at}": "answer" for part in "ab" for at in range(3)}


@contextmanager
def runs(folder: Path, name: str) -> Iterator[None]:
    """Have a program of that name run within the block."""
    program = folder / name
    if not program.exists():
        shutil.copy(shutil.which("sleep") or "", program)
    process = subprocess.Popen([program, "60"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def rule(*programs: str, sections: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"when": "program", "programs": list(programs), "sections": list(sections)}


def software(*programs: str, sections: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"kind": "software", "programs": list(programs), "sections": list(sections)}


# --- what is looked for ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "names"),
    [
        pytest.param({"flag": [rule("ChatGPT.exe", "rdp")]}, {"chatgpt", "rdp"}, id="a rule"),
        pytest.param({"flag": [rule("x", sections=("a",))]}, {"x"}, id="a rule for this section"),
        pytest.param({"flag": [rule("x", sections=("b",))]}, set(), id="a rule for another"),
        pytest.param({"flag": [{"when": "dark"}]}, set(), id="a rule about something else"),
        pytest.param(
            {"flag": [rule("R", "x")], "allow": [software("r.EXE")]}, {"x"}, id="allowed software"
        ),
        pytest.param(
            {"flag": [rule("R")], "allow": [software("R", sections=("b",))]},
            {"r"},
            id="software allowed in another section",
        ),
        pytest.param({"allow": [{"kind": "paper"}, software("R")]}, set(), id="no rule"),
        pytest.param({}, set(), id="an empty policy"),
    ],
)
def test_only_what_the_rules_of_the_section_name_is_looked_for(
    policy: dict[str, Any], names: set[str]
) -> None:
    assert watched(policy, "a") == names


@pytest.mark.parametrize("name", [path.stem for path in policies.builtin_folder().glob("*.toml")])
def test_the_client_looks_for_what_the_server_would_flag(name: str) -> None:
    loaded = policies.load(policies.builtin_folder() / f"{name}.toml")
    told = json.loads(loaded.body)
    for section in (*loaded.policy.sections.order, "any"):
        assert sorted(watched(told, section)) == list(watched_programs(loaded.policy, section))


@pytest.mark.parametrize("name", ["Proctor-Seen", "proctor-seen.exe", "PROCTOR-SEEN.APP"])
def test_a_program_is_known_by_its_name_without_case_and_ending(name: str) -> None:
    assert program_name(name) == LOOKED_FOR


def test_a_program_is_found_while_it_runs_and_no_other_is(tmp_path: Path) -> None:
    names = frozenset({LOOKED_FOR})
    assert running(names) == frozenset()
    with runs(tmp_path, LOOKED_FOR), runs(tmp_path, NOT_LOOKED_FOR):
        assert running(names) == names
    assert running(names) == frozenset()


# --- what is noted -----------------------------------------------------------------------------


class Working(Script):
    """Answers; what is to happen after an answer happens before the next."""

    def __init__(self, after: Callable[[str], Any]) -> None:
        super().__init__(ANSWERS, accepts=True, pace_s=0.0)
        self._after = after

    def say(self, text: str) -> None:
        pass

    async def begin(self, title: str, limit_s: int) -> None:
        assert limit_s
        await self._after(title)

    async def work(self, sitting: Sitting) -> None:
        async def save(item: Item, response: Any) -> None:
            await sitting.save(item, response)
            await self._after(item["id"])

        await super().work(replace(sitting, save=save))


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[ExamServer], Plan]:
    monkeypatch.setattr("proctor_client.agent._COMPUTER_S", 0.02)
    clip = write_clip(tmp_path / "clip.avi", 8, lambda at: grey(60 + 10 * at))

    def of(server: ExamServer) -> Plan:
        return Plan(
            link=parse_link(server.link),
            data=tmp_path / "data",
            camera=str(clip),
            blobs_limit_bytes=10_000_000,
            use_keyring=False,
        )

    return of


def noted(server: ExamServer) -> list[Any]:
    return [each.facts["program"] for each in server.records(Kind.NOTICE)]


def counted(server: ExamServer) -> list[Any]:
    return [each.facts["displays"] for each in server.records(Kind.NOTICE)]


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - the client tells nobody
        await asyncio.sleep(0.02)


async def taking(plan: Plan, after: Callable[[str], Any]) -> None:
    async with asyncio.timeout(120):
        await take(plan, Working(after))


async def test_a_program_is_noted_when_it_is_seen_and_again_when_it_came_back(
    tmp_path: Path, plan: Callable[[ExamServer], Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[frozenset[str]] = []

    def counted(names: frozenset[str]) -> frozenset[str]:
        looks.append(running(names))
        return looks[-1]

    monkeypatch.setattr("proctor_client.agent.running", counted)
    async with serving() as server:
        server.policy["flag"] = [rule(f"{LOOKED_FOR.upper()}.exe", sections=("a",))]

        async def after(word: str) -> None:
            if word == "a0":
                with runs(tmp_path, NOT_LOOKED_FOR), runs(tmp_path, LOOKED_FOR):
                    await until(lambda: noted(server) == [LOOKED_FOR])
                    before = len(looks)
                    await until(lambda: len(looks) > before + 3)  # and they note nothing new
                await until(lambda: not looks[-1])
            if word == "a1":
                with runs(tmp_path, LOOKED_FOR):
                    await until(lambda: len(noted(server)) == 2)

        await taking(plan(server), after)
        assert noted(server) == [LOOKED_FOR, LOOKED_FOR]


async def test_a_program_is_noted_anew_in_each_section_and_not_between_them(
    tmp_path: Path, plan: Callable[[ExamServer], Plan]
) -> None:
    async with serving() as server:
        server.policy["flag"] = [rule(LOOKED_FOR)]
        seen: dict[str, list[Any]] = {}

        async def after(word: str) -> None:
            if word.startswith("Part"):  # before the section is opened
                await asyncio.sleep(0.3)
                seen[word] = noted(server)
            if word in {"a0", "b0"}:
                wanted = len(seen) * [LOOKED_FOR]
                await until(lambda: noted(server) == wanted)

        with runs(tmp_path, LOOKED_FOR):
            await taking(plan(server), after)
        assert seen == {"Part a": [], "Part b": [LOOKED_FOR]}
        assert noted(server) == [LOOKED_FOR, LOOKED_FOR]


async def test_what_a_look_finds_after_its_section_ended_is_not_noted(
    plan: Callable[[ExamServer], Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, ended = threading.Event(), threading.Event()

    def slow(names: frozenset[str]) -> frozenset[str]:
        looks.set()
        ended.wait()
        return names

    monkeypatch.setattr("proctor_client.agent.running", slow)
    async with serving() as server:
        server.policy["flag"] = [rule(LOOKED_FOR, sections=("a",))]

        async def after(word: str) -> None:
            if word == "a0":
                await until(looks.is_set)
            if word == "b0":
                ended.set()
                await asyncio.sleep(0.3)  # in which it would be noted

        await taking(plan(server), after)
        assert noted(server) == []


async def test_without_a_rule_no_process_is_looked_at(
    plan: Callable[[ExamServer], Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked(*_: object) -> Any:
        raise AssertionError

    monkeypatch.setattr("proctor_client.programs.psutil.process_iter", looked)
    async with serving() as server:
        server.policy["flag"] = [{"when": "dark"}, rule("x", sections=("c",))]

        async def after(_: str) -> None:
            await asyncio.sleep(0.05)

        await taking(plan(server), after)
        assert noted(server) == []


# --- displays ----------------------------------------------------------------------------------

SECOND_DISPLAY = {"when": "second-display"}


@pytest.mark.parametrize(
    ("policy", "most"),
    [
        pytest.param({"flag": [SECOND_DISPLAY]}, 1, id="a rule"),
        pytest.param({"flag": [SECOND_DISPLAY], "system": {"displays_most": 2}}, 2, id="two"),
        pytest.param({"flag": [{**SECOND_DISPLAY, "sections": ["b"]}]}, None, id="another section"),
        pytest.param({"flag": [{"when": "dark"}]}, None, id="a rule about something else"),
        pytest.param({}, None, id="no rule"),
    ],
)
def test_displays_are_counted_only_where_a_rule_of_the_section_is_about_them(
    policy: dict[str, Any], most: int | None
) -> None:
    assert displays_most(policy, "a") == most


async def test_a_display_that_is_there_from_the_start_is_noted_once_in_each_section(
    plan: Callable[[ExamServer], Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor_client.agent.displays", lambda: 2)
    async with serving() as server:
        server.policy["flag"] = [SECOND_DISPLAY]
        seen: dict[str, list[Any]] = {}

        async def after(word: str) -> None:
            if word.startswith("Part"):  # before the section is opened
                await asyncio.sleep(0.3)
                seen[word] = counted(server)
            if word in {"a0", "b0"}:
                wanted = len(seen) * [2]
                await until(lambda: counted(server) == wanted)
                await asyncio.sleep(0.3)  # some more looks, which note nothing new

        await taking(plan(server), after)
        assert seen == {"Part a": [], "Part b": [2]}
        assert counted(server) == [2, 2]


async def test_a_display_for_which_there_was_no_room_is_noted_once_there_is(
    plan: Callable[[ExamServer], Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor_client.agent.displays", lambda: 3)
    write, full = Recorder.write, 2

    async def no_room_at_first(recorder: Recorder, kind: Kind, *rest: Any, **more: Any) -> Any:
        nonlocal full
        if kind is Kind.NOTICE and full:
            full -= 1
            raise DiskFull("no room")
        return await write(recorder, kind, *rest, **more)

    monkeypatch.setattr(Recorder, "write", no_room_at_first)
    async with serving() as server:
        server.policy["flag"] = [SECOND_DISPLAY]

        async def after(word: str) -> None:
            if word == "a0":
                await until(lambda: counted(server) == [3])
            if word == "a1":
                monkeypatch.setattr("proctor_client.agent.displays", lambda: None)

        await taking(plan(server), after)
        assert (counted(server), full) == ([3], 0)
