"""Tables of an exam for spreadsheets, and what they must not say."""

import csv
import io
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from proctor.evidence.record import Kind
from proctor.services.exam_tables import Table
from proctor.services.logins import StaffRole
from proctor.web.exports import lines_of
from tests.conftest import Server, analysed
from tests.device import JPEG, Device

NAME = '=HYPERLINK("http://evil.example","Ada")'
GROUP = "@SUM(1+1)"
NOTE = "-2+3+cmd|' /C calc'!A0, and\r\nmore \"words\""


@dataclass
class Fair:
    """An exam handed in, with a flag, an irregularity and names that are formulas."""

    server: Server
    session: str
    flag: str

    async def table(self, name: str) -> list[dict[str, str]]:
        team = await self.server.as_staff(StaffRole.COURSE_TEAM)
        async with team.get(f"/api/v1/exams/short/export/{name}.csv") as response:
            body = await response.read()
            assert response.status == 200, body
            assert response.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
            assert response.headers["Cache-Control"] == "no-store"
            assert f'filename="short-{name}.csv"' in response.headers["Content-Disposition"]
        assert body.startswith(b"\xef\xbb\xbf")
        return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))

    async def judge(self, outcome: str, name: str, *, flag: str = "upheld") -> None:
        proctor = await self.server.as_staff(StaffRole.PROCTOR, name)
        judged = {"flag": self.flag, "outcome": flag, "reason": "+1"}
        verdict = {"outcome": outcome, "reasons": "=1+1", "flags": [judged]}
        address = f"/api/v1/sessions/{self.session}/verdicts"
        async with proctor.post(address, json=verdict) as response:
            assert response.status == 200, await response.text()


@pytest.fixture
async def fair(server: Server) -> Fair:
    invited = await server.invite(learner=NAME, group=GROUP)
    session = invited["session"]
    proctor = await server.as_staff(StaffRole.PROCTOR)
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        server.clock.pass_(5)
        await device.check_in()
        await device.open("part-a")
        for n in range(4):
            server.clock.pass_(1)
            device.at_ms = int(server.clock.now().timestamp() * 1000) - 1000
            picture = JPEG + b"%d" % n + b"two"
            line = device.add(Kind.SNAPSHOT, blob=picture, purpose="periodic")
            await device.send([line], [picture])
        act = {"act": "irregularity", "of": "room", "code": "environment/noise", "note": NOTE}
        async with proctor.post(f"/api/v1/sessions/{session}/acts", json=act) as response:
            assert response.status == 200, await response.text()
        server.clock.pass_(1)
        await device.submit()
    timeline = await analysed(proctor, f"/api/v1/sessions/{session}")
    (flag,) = timeline["flags"]
    return Fair(server, session, flag["flag"])


async def test_sessions_flags_and_irregularities_are_exported(fair: Fair) -> None:
    (session,) = await fair.table("sessions")
    assert (session["session"], session["state"]) == (fair.session, "submitted")
    assert session["invited_at"] == "2026-06-01T10:00:00.000+00:00"
    counted = [session[f"{each}"] for each in ("conduct_flags", "quality_flags", "irregularities")]
    assert counted == ["1", "0", "1"]
    assert (session["review"], session["outcome"]) == ("awaiting", "")
    (flag,) = await fair.table("flags")
    assert (flag["flag"], flag["class"], flag["verdict"]) == (fair.flag, "conduct", "")
    assert (flag["measurement"], flag["value"]) == ("faces", "2.0")
    (marked,) = await fair.table("irregularities")
    assert (marked["of"], marked["code"], marked["by"]) == ("room", "environment/noise", "proctor")
    assert marked["struck"] == "no"
    assert await fair.table("verdicts") == []


async def test_no_cell_is_a_formula(fair: Fair) -> None:
    (marked,) = await fair.table("irregularities")
    assert marked["learner"] == "'" + NAME
    assert marked["group"] == "'" + GROUP
    assert marked["note"] == "'" + NOTE
    for name, count in (("second", 0), ("third", 4)):
        await fair.judge("breach", name)
        found = [row["reasons"] for row in await fair.table("verdicts")]
        assert found == ["'=1+1", "'+1"] * (count // 2)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        *[pytest.param(c + "1", f"'{c}1", id=f"begins with {c!r}") for c in "=+-@\t＝＋－＠"],  # noqa: RUF001
        pytest.param("\r1", '"\'\r1"', id="begins with a carriage return"),
        pytest.param("  =1", "'  =1", id="spaces before it"),
        pytest.param("a=1", "a=1", id="inside of a cell"),
        pytest.param('a "b"', '"a ""b"""', id="quotes"),
        pytest.param("a,b", '"a,b"', id="a comma"),
        pytest.param("Ἄδα", "Ἄδα", id="Greek"),
        pytest.param(-3, "-3", id="a number of ours"),
        pytest.param(None, "", id="nothing"),
    ],
)
def test_a_cell_is_written_so_that_a_spreadsheet_reads_it_as_it_is(cell: Any, written: str) -> None:
    assert lines_of([("a", cell)]).decode() == f"a,{written}\r\n"


async def test_a_verdict_is_not_exported_before_the_review_is_decided(fair: Fair) -> None:
    before = {name: await fair.table(name) for name in ("sessions", "flags", "verdicts")}
    await fair.judge("breach", "second")
    for name, rows in before.items():
        assert await fair.table(name) == rows, name
    await fair.judge("breach", "third")
    (session,) = await fair.table("sessions")
    assert (session["review"], session["outcome"]) == ("decided", "breach")
    assert session["decided_at"] != ""
    assert (await fair.table("flags"))[0]["verdict"] == "upheld"
    rows = await fair.table("verdicts")
    told = [(row["by"], row["about"], row["outcome"], row["stands"]) for row in rows]
    assert told == [
        ("second", "session", "breach", "yes"),
        ("second", fair.flag, "upheld", "yes"),
        ("third", "session", "breach", "yes"),
        ("third", fair.flag, "upheld", "yes"),
    ]


async def test_what_was_said_of_a_flag_stands_where_it_is_what_was_decided_of_it(
    fair: Fair,
) -> None:
    """Two who say the same of a session may differ on a flag in it."""
    await fair.judge("breach", "second")
    await fair.judge("breach", "third", flag="cannot-tell")
    rows = await fair.table("verdicts")
    told = [(row["by"], row["about"], row["outcome"], row["stands"]) for row in rows]
    assert told == [
        ("second", "session", "breach", "yes"),
        ("second", fair.flag, "upheld", "no"),
        ("third", "session", "breach", "yes"),
        ("third", fair.flag, "cannot-tell", "yes"),
    ]


async def test_every_table_is_there_as_json_with_the_same_columns(fair: Fair) -> None:
    await fair.judge("breach", "second")
    await fair.judge("breach", "third")
    team = await fair.server.as_staff(StaffRole.COURSE_TEAM)
    for name in Table:
        async with team.get(f"/api/v1/exams/short/export/{name}.json") as response:
            assert response.status == 200
            assert response.content_type == "application/json"
            assert f'filename="short-{name}.json"' in response.headers["Content-Disposition"]
            rows = await response.json()
        as_csv = await fair.table(name)
        assert [list(row) for row in rows] == [list(row) for row in as_csv] != []
        for row, written in zip(rows, as_csv, strict=True):
            # Nothing is a formula to a program: what was written is there as it was.
            cells = {key: "" if cell is None else str(cell) for key, cell in row.items()}
            assert cells == {key: cell.removeprefix("'") for key, cell in written.items()}
    (marked,) = rows_of = await _json(fair, "irregularities")
    assert (marked["learner"], marked["note"], len(rows_of)) == (NAME, NOTE, 1)
    (flag,) = await _json(fair, "flags")
    assert (flag["value"], flag["snapshots"]) == (2.0, 4)


async def _json(fair: Fair, name: str) -> Any:
    lead = await fair.server.as_staff(StaffRole.LEAD)
    async with lead.get(f"/api/v1/exams/short/export/{name}.json") as response:
        return await response.json()


async def test_a_table_without_rows_is_an_empty_list(fair: Fair) -> None:
    assert await _json(fair, "verdicts") == []


async def test_more_rows_than_go_out_at_once_are_all_exported(server: Server) -> None:
    for n in range(70):
        await server.invite(learner=f"learner {n}")
    lead = await server.as_staff(StaffRole.LEAD)
    async with lead.get("/api/v1/exams/short/export/sessions.csv") as response:
        rows = list(csv.DictReader(io.StringIO((await response.read()).decode("utf-8-sig"))))
    assert {row["learner"] for row in rows} == {f"learner {n}" for n in range(70)}
    async with lead.get("/api/v1/exams/short/export/sessions.json") as response:
        assert [row["session"] for row in await response.json()] == [row["session"] for row in rows]


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        pytest.param(StaffRole.PROCTOR, "short/export/flags.csv", 403, id="a proctor"),
        pytest.param(StaffRole.ADMINISTRATOR, "short/export/flags.csv", 403, id="administrator"),
        pytest.param(StaffRole.LEAD, "none/export/flags.csv", 404, id="no such exam"),
        pytest.param(StaffRole.LEAD, "none/export/flags.json", 404, id="no such exam as JSON"),
        pytest.param(StaffRole.LEAD, "short/export/answers.csv", 422, id="no such table"),
        pytest.param(StaffRole.LEAD, "short/export/flags", 404, id="no table at all"),
    ],
)
async def test_what_is_not_theirs_or_not_there_is_refused(
    server: Server, role: StaffRole, path: str, status: int
) -> None:
    client = await server.as_staff(role)
    async with client.get(f"/api/v1/exams/{path}") as response:
        assert response.status == status
        assert response.content_type == "application/problem+json"
