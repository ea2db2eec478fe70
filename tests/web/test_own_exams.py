"""Staff who are for some exams alone: nothing of another is shown to them, or done by them."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from proctor import config
from proctor.services import logins
from proctor.services.logins import StaffRole
from proctor.services.own_exams import OwnExams
from proctor.web import wall as walls_over_http
from proctor.web.api import ROLES, STAFF
from tests.conftest import SHORT_EXAM, Server
from tests.web.sat import code_of, sat
from tests.web.test_wall import Watcher, watching

MINE, OTHER = "short", "longer"
# Staff's routes whose address names neither an exam nor a session. Whoever adds one says here
# that it was thought of, and tests below that it tells nothing of others' exams.
WITHOUT = {
    "GET /api/v1/act-reasons",  # the same for all exams
    "GET /api/v1/exams",
    "GET /api/v1/id-checks",
    "GET /api/v1/login",  # one's own
    "GET /api/v1/reviews",
    "GET /api/v1/wall",  # see test_wall
    "GET /metrics",  # counts alone
    "POST /api/v1/reviews/assign",
}


async def bind(server: Server, name: str, *exams: str) -> None:
    """Let one of the staff be for some exams alone, or with none named for every one."""
    own: OwnExams = frozenset(exams) or None
    await logins.set_exams(server.parts.logins, name=name, exams=own, published=[MINE, OTHER])


async def publish(server: Server, folder: Path, exam: str = OTHER) -> None:
    """Publish another exam, which is as the short one."""
    shutil.copytree(SHORT_EXAM, folder / exam)
    toml = folder / exam / "exam.toml"
    toml.write_text(toml.read_text().replace('id = "short"', f'id = "{exam}"', 1))
    await config.publish(server.store, folder / exam)


@dataclass
class School:
    """A server with two exams and a session of each; whoever is named `bo` is for one of them."""

    server: Server
    mine: str
    other: str

    async def ask(
        self, method: str, path: str, *, role: StaffRole = StaffRole.PROCTOR, **more: Any
    ) -> tuple[int, Any]:
        client = await self.bo(role)
        async with client.request(method, path, **more) as response:
            is_json = response.content_type.endswith("json")
            return response.status, await response.json() if is_json else await response.read()

    async def bo(self, role: StaffRole = StaffRole.PROCTOR) -> aiohttp.ClientSession:
        name = f"bo-{role}"
        is_new = name not in self.server.staff
        client = await self.server.as_staff(role, name)
        if is_new:
            await bind(self.server, name, MINE)
        return client


@pytest.fixture
async def school(server: Server, tmp_path: Path) -> School:
    await publish(server, tmp_path)
    mine = await server.invite(MINE)
    other = await server.invite(OTHER, learner="Grace Hopper")
    return School(server, mine["session"], other["session"])


def of_staff(server: Server) -> dict[str, tuple[web.AbstractRoute, list[StaffRole]]]:
    """Return all routes that some of the staff may call, and who of them."""
    found = {}
    for route, roles in server.app[ROLES].items():
        mine = [StaffRole(role) for role in STAFF if role in roles]
        if mine and route.resource is not None:
            found[f"{route.method} {route.resource.canonical}"] = (route, mine)
    return found


def address(path: str, *, session: str, exam: str) -> str:
    known = {"session": session, "exam": exam, "sha256": "0" * 64, "ticket": "none", "n": "0"}
    for name, value in {**known, "table": "sessions", "device": "d_other", "item": "i"}.items():
        path = path.replace(f"{{{name}}}", value)
    assert "{" not in path, "a route has a parameter that this test does not know"
    return path


# --- addresses -----------------------------------------------------------------------------------


async def test_whoever_is_for_another_exam_is_refused_wherever_the_address_names_one(
    school: School,
) -> None:
    wrong, walked = [], set()
    for name, (route, roles) in of_staff(school.server).items():
        assert route.resource is not None
        path = route.resource.canonical
        if "{session}" not in path and "{exam}" not in path:
            continue
        walked.add(name)
        for role in roles:
            where = address(path, session=school.other, exam=OTHER)
            status, found = await school.ask(route.method, where, role=role)
            if (status, code_of(found) if status == 403 else "") != (403, "not-your-exam"):
                wrong.append(f"{role} {name}: {status} {found}")
            # Their own they get, or are told something else: none of these is asked rightly.
            where = address(path, session=school.mine, exam=MINE)
            status, found = await school.ask(route.method, where, role=role)
            if status == 401 or (status == 403 and code_of(found) == "not-your-exam"):
                wrong.append(f"{role} {name}, their own: {status} {found}")
    assert wrong == []
    assert walked == of_staff(school.server).keys() - WITHOUT
    assert len(walked) > 15


async def test_the_refusal_says_which_exam_was_named_and_what_to_do(school: School) -> None:
    for path in (f"/api/v1/reviews?exam={OTHER}", f"/api/v1/id-checks?exam={OTHER}"):
        status, problem = await school.ask("GET", path)
        assert (status, problem["exam"], "administrator" in problem["detail"]) == (403, OTHER, True)


async def test_of_a_session_of_another_exam_it_is_not_said_which_that_is(school: School) -> None:
    status, problem = await school.ask("GET", f"/api/v1/sessions/{school.other}")
    assert (status, problem["exam"], "administrator" in problem["detail"]) == (403, "", True)
    assert OTHER not in str(problem)
    body = {"sessions": [school.other], "to": None}
    _, assigned = await school.ask("POST", "/api/v1/reviews/assign", json=body)
    (failed,) = assigned["failed"]
    assert (failed["code"], OTHER in failed["detail"]) == ("not-your-exam", False)


async def test_a_session_that_does_not_exist_is_answered_like_one_of_another_exam(
    school: School,
) -> None:
    wrong = []
    for name, (route, roles) in of_staff(school.server).items():
        assert route.resource is not None
        path = route.resource.canonical
        if "{session}" not in path:
            continue
        for role in roles:
            told = [
                await school.ask(route.method, address(path, session=each, exam=MINE), role=role)
                for each in (school.other, "s_none")
            ]
            if told[0] != told[1]:
                wrong.append(f"{role} {name}: {told}")
    assert wrong == []
    for session in ("s_" + "x" * 80, "%3Cb%3E"):
        status, _ = await school.ask("GET", f"/api/v1/sessions/{session}")
        assert status == 422, session
    everywhere = await school.server.as_staff(StaffRole.PROCTOR, "cy")
    async with everywhere.get("/api/v1/sessions/s_none") as response:
        assert response.status == 404


async def test_of_many_one_that_does_not_exist_is_answered_like_one_of_another_exam(
    school: School,
) -> None:
    sessions = [school.other, "s_none"]
    act = {"act": "message", "note": "Hello", "sessions": sessions}
    for path, body in (
        ("/api/v1/reviews/assign", {"sessions": sessions, "to": None}),
        (f"/api/v1/exams/{MINE}/acts", act),
    ):
        status, batch = await school.ask("POST", path, json=body)
        codes, details = zip(
            *[
                (each["code"], each["detail"].replace(each["session"], ""))
                for each in batch["failed"]
            ],
            strict=True,
        )
        assert (status, len(codes), len(set(codes)), len(set(details))) == (200, 2, 1, 1), batch


@pytest.mark.parametrize("path", ["/api/v1/reviews", "/api/v1/id-checks", "/api/v1/wall"])
async def test_a_list_of_another_exam_is_refused(school: School, path: str) -> None:
    status, problem = await school.ask("GET", path, params={"exam": OTHER})
    assert (status, code_of(problem)) == (403, "not-your-exam")
    status, problem = await school.ask("GET", path, params=[("exam", MINE), ("exam", OTHER)])
    assert (status, code_of(problem)) == (403, "not-your-exam")
    status, problem = await school.ask("GET", path, params={"exam": "<b>"})
    assert (status, code_of(problem), "<b>" in str(problem)) == (422, "invalid-input", False)


async def test_exams_count_from_the_next_request_on(school: School) -> None:
    path = f"/api/v1/sessions/{school.other}"
    assert (await school.ask("GET", path))[0] == 403
    assert (await school.ask("GET", "/api/v1/login"))[1]["exams"] == [MINE]
    for exams, status, told in (
        ((MINE, OTHER), 200, [OTHER, MINE]),
        ((OTHER,), 200, [OTHER]),
        ((MINE,), 403, [MINE]),
        ((), 200, None),
    ):
        await bind(school.server, "bo-proctor", *exams)
        assert (await school.ask("GET", path))[0] == status, exams
        assert (await school.ask("GET", "/api/v1/login"))[1]["exams"] == told


# --- looks ---------------------------------------------------------------------------------------


async def test_a_look_at_another_exam_is_refused_and_written_down(school: School) -> None:
    session = f"/api/v1/sessions/{school.other}"
    picture = f"/{school.other}/{'0' * 64}"
    # A ticket of when the exam was theirs is worth nothing any more.
    await school.bo()
    await bind(school.server, "bo-proctor")
    _, given = await school.ask("POST", f"{session}/looks", json={"why": "review"})
    _, wall = await school.ask("POST", f"/api/v1/exams/{OTHER}/looks", json={"why": "watching"})
    await bind(school.server, "bo-proctor", MINE)
    asks: list[tuple[str, str, Any]] = [
        ("POST", f"{session}/looks", {"why": "audit"}),
        ("POST", f"{session}/looks", {"why": "curious"}),
        ("GET", f"{given['path']}{picture}", None),
        ("GET", f"{wall['path']}{picture}", None),
        ("GET", f"{given['path']}/{school.other}/strip/0", None),
        ("GET", f"{session}/bundle", None),
    ]
    for method, path, body in asks:
        status, problem = await school.ask(method, path, json=body)
        assert (status, code_of(problem)) == (403, "not-your-exam"), path
    lead = await school.server.as_staff(StaffRole.LEAD)
    async with lead.get(f"{session}/looks") as response:
        looks = [
            (each["by"], each["what"], each["why"], each["count"], each["allowed"])
            for each in await response.json()
        ]
    assert sorted(looks) == [
        ("bo-proctor", "bundle", "", 1, False),
        ("bo-proctor", "pictures", "", 3, False),
        ("bo-proctor", "pictures", "audit", 1, False),
        ("bo-proctor", "thumbnails", "", 1, False),
    ]


# --- lists ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [StaffRole.PROCTOR, StaffRole.COURSE_TEAM])
async def test_exams_are_listed_that_are_their_own(school: School, role: StaffRole) -> None:
    _, listed = await school.ask("GET", "/api/v1/exams", role=role)
    assert [each["id"] for each in listed] == [MINE]
    everyone = await school.server.as_staff(role)
    async with everyone.get("/api/v1/exams") as response:
        assert {each["id"] for each in await response.json()} == {MINE, OTHER}


async def test_the_queues_hold_their_own_exams_alone(server: Server, tmp_path: Path) -> None:
    await publish(server, tmp_path)
    async with (
        sat(server) as mine,
        sat(server, "Grace Hopper", "d_two", exam=OTHER) as other,
    ):
        await server.as_staff(StaffRole.PROCTOR, "bo")
        for own, sessions in (
            ((), [mine.session, other.session]),
            ((MINE,), [mine.session]),
            ((OTHER,), [other.session]),
            ((MINE, OTHER), [mine.session, other.session]),
        ):
            await bind(server, "bo", *own)
            queue = await mine.ask("bo", "GET", "/api/v1/reviews")
            assert {each["session"] for each in queue["reviews"]} == set(sessions)
            assert queue["minutes"] == sum(each["minutes"] for each in queue["reviews"])
            waits = await mine.ask("bo", "GET", "/api/v1/id-checks")
            assert {each["session"] for each in waits["waiting"]} == set(sessions)
        # Who waits longest is another exam's: nothing of that is told.
        server.clock.pass_(60)
        await bind(server, "bo", OTHER)
        longest = (await mine.ask("bo", "GET", "/api/v1/id-checks"))["waited_s_longest"]
        await bind(server, "bo", MINE)
        assert (await mine.ask("bo", "GET", "/api/v1/id-checks"))["waited_s_longest"] > longest


async def test_a_session_is_given_to_nobody_who_may_not_see_it_and_by_nobody(
    school: School,
) -> None:
    both = [school.mine, school.other]
    path, cy = "/api/v1/reviews/assign", await school.server.as_staff(StaffRole.PROCTOR, "cy")

    def failed(assigned: dict[str, Any]) -> list[tuple[str, str]]:
        return [(each["session"], each["code"]) for each in assigned["failed"]]

    # To bo, who may see one of them.
    await school.bo()
    async with cy.post(path, json={"sessions": both, "to": "bo-proctor"}) as response:
        assigned = await response.json()
    assert (assigned["done"], failed(assigned)) == (
        [school.mine],
        [(school.other, "not-their-exam")],
    )
    assert all(word in assigned["failed"][0]["detail"] for word in ("bo-proctor", OTHER))
    # By bo, to somebody who may see both; and taken back.
    for to in ("cy", None):
        _, assigned = await school.ask("POST", path, json={"sessions": both, "to": to})
        assert (assigned["done"], failed(assigned)) == (
            [school.mine],
            [(school.other, "not-your-exam")],
        )
    async with cy.post(path, json={"sessions": ["s_none"], "to": "cy"}) as response:
        assert failed(await response.json()) == [("s_none", "not-found")]


async def test_of_an_act_on_many_those_of_another_exam_are_among_the_failed(
    school: School,
) -> None:
    body = {"act": "irregularity", "of": "room", "code": "environment/noise", "note": "a drill"}
    sessions = [school.mine, school.other]
    status, batch = await school.ask(
        "POST", f"/api/v1/exams/{MINE}/acts", json={**body, "sessions": sessions}
    )
    assert status == 200
    assert [each["session"] for each in batch["done"]] == [school.mine]
    assert [(each["session"], each["code"]) for each in batch["failed"]] == [
        (school.other, "not-found")
    ]


# --- the wall ------------------------------------------------------------------------------------


async def test_two_proctors_of_two_exams_are_each_told_of_their_own_alone(school: School) -> None:
    server = school.server
    async with two_walls(school) as (ada, bo):
        for watcher, exam, session in ((ada, MINE, school.mine), (bo, OTHER, school.other)):
            assert [each["id"] for each in watcher.wall["exams"]] == [exam]
            assert watcher.tiles.keys() == {session}
        for exam, learner in ((MINE, "Alan Turing"), (OTHER, "Mary Somerville")):
            await server.invite(exam, learner=learner, group="north")
        # What happens to the other's comes first: were it told, it would have been by then.
        for session in (school.other, school.mine):
            await server.terminate(session)
        await ada.until(lambda: ada.tiles[school.mine]["state"] == "terminated")
        for session in (school.mine, school.other):
            await act(server, session, "irregularity", of="room")
        await bo.until(lambda: bo.tiles[school.other]["state"] == "terminated")
        await ada.until(lambda: len(ada.tiles) == 2)
        await bo.until(lambda: len(bo.tiles) == 2)
        assert {each["learner"] for each in ada.tiles.values()} == {"Ada Lovelace", "Alan Turing"}
        assert {each["learner"] for each in bo.tiles.values()} == {
            "Grace Hopper",
            "Mary Somerville",
        }
        # Both are let go at the same moment.
        server.clock.pass_(3700)
        await ada.until(lambda: ada.gone)
        await bo.until(lambda: bo.gone)
        assert (ada.gone, bo.gone) == ([school.mine], [school.other])


async def test_what_a_wall_says_of_another_exam_is_passed_over(school: School) -> None:
    async with two_walls(school) as (ada, bo):
        for word in ("take", "view", "release"):
            await bo.say(word, sessions=[school.mine, school.other])
        await bo.say("take", sessions=[school.mine, school.other])
        await bo.say("look", session=school.other)
        await bo.told(school.other, taken_by="bo", looking=["bo"])
        await bo.say("look", session=school.mine)
        await bo.told(school.other, looking=[])
        # Nor can they give back what ada took.
        await ada.say("take", sessions=[school.mine])
        await ada.told(school.mine, taken_by="ada", looking=[])
        await bo.say("release", sessions=[school.mine, school.other])
        await bo.told(school.other, taken_by=None)
        async with watching(school.server, "lead", role=StaffRole.LEAD) as lead:
            assert lead.tiles.keys() == {school.mine, school.other}
            told = lead.tiles[school.mine]
            assert (told["taken_by"], told["looking"]) == ("ada", [])


async def test_an_open_wall_is_closed_when_its_proctor_is_for_other_exams(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walls_over_http, "ASK_LOGIN_EVERY_S", 0)
    async with two_walls(school) as (ada, bo):
        await bo.say("take", sessions=[school.other])
        await bo.told(school.other, taken_by="bo")
        await ada.say("take", sessions=[school.mine])
        await ada.told(school.mine, taken_by="ada")
        await bind(school.server, "bo", MINE)
        await act(school.server, school.other, "irregularity", of="room")
        await bo.say("look", session=school.other)  # so that there is something to tell
        assert await bo.closed() == 1008
        # It comes again by itself, and what was taken has returned to all.
        async with watching(school.server, "bo") as again:
            assert [each["id"] for each in again.wall["exams"]] == [MINE]
            assert again.tiles.keys() == {school.mine}
        async with watching(school.server, "lead", role=StaffRole.LEAD) as lead:
            await lead.told(school.other, taken_by=None)
            assert lead.tiles[school.mine]["taken_by"] == "ada"


@asynccontextmanager
async def two_walls(school: School) -> AsyncIterator[tuple[Watcher, Watcher]]:
    for name, exam in (("ada", MINE), ("bo", OTHER)):
        await school.server.as_staff(StaffRole.PROCTOR, name)
        await bind(school.server, name, exam)
    async with watching(school.server, "ada") as ada, watching(school.server, "bo") as bo:
        yield ada, bo


async def act(server: Server, session: str, kind: str, **more: object) -> None:
    proctor = await server.as_staff(StaffRole.PROCTOR)
    body = {"act": kind, "code": "environment/noise", "note": "a drill", **more}
    async with proctor.post(f"/api/v1/sessions/{session}/acts", json=body) as response:
        assert response.status == 200, await response.text()
