"""Tables of an exam: as CSV (RFC 4180), no cell of which is a formula, and as JSON."""

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from proctor.services.exam_tables import Cell, ExamTables, Row, Table
from proctor.services.ports import NotFound
from proctor.web.api import Api, Id, Role

# What a spreadsheet may take for a formula, at the beginning of a cell; the last four are the same
# in the width of East Asian letters. Source: OWASP, "CSV Injection".
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - meant
# Without it, spreadsheets take UTF-8 for whatever the system's old code page is.
_MARK = "\ufeff"
# Rows of one write.
_ROWS = 64


def add_export_routes(api: Api, tables: ExamTables) -> None:
    """Declare the routes."""
    may = (Role.LEAD, Role.COURSE_TEAM)

    @api.route(
        "GET",
        "/api/v1/exams/{exam}/export/{table}.csv",
        role=may,
        raw=True,
        out_type="text/csv",
        tags=["exams"],
        errors=[NotFound],
    )
    async def export_table(request: web.Request, exam: Id, table: Table) -> web.StreamResponse:
        """Export sessions, flags, irregularities or verdicts of an exam as CSV.

        Of a review that is not decided, no verdict is in it. A cell that a spreadsheet could take
        for a formula begins with an apostrophe.
        """
        parts = _csv(tables.rows(exam, table))
        kind = "text/csv; charset=utf-8; header=present"
        return await _sent(request, parts, kind, f"{exam}-{table}.csv")

    @api.route(
        "GET",
        "/api/v1/exams/{exam}/export/{table}.json",
        role=may,
        raw=True,
        out_type="application/json",
        tags=["exams"],
        errors=[NotFound],
    )
    async def export_json(request: web.Request, exam: Id, table: Table) -> web.StreamResponse:
        """Export the same as JSON: a list of objects.

        A time, number or outcome that there is none of is null; a text that is empty is "".
        """
        parts = _json(tables.rows(exam, table))
        return await _sent(request, parts, "application/json", f"{exam}-{table}.json")


async def _sent(
    request: web.Request, parts: AsyncIterator[bytes], kind: str, name: str
) -> web.StreamResponse:
    # The first part before the answer begins: an unknown exam can still be a 404.
    first = await anext(parts)
    response = web.StreamResponse(
        headers={
            "Content-Type": kind,
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
    )
    await response.prepare(request)
    await response.write(first)
    async for part in parts:
        await response.write(part)
    await response.write_eof()
    return response


async def _csv(rows: AsyncIterator[Row]) -> AsyncIterator[bytes]:
    before = _MARK.encode()
    async for some in _some(rows):
        yield before + lines_of(some)
        before = b""


async def _json(rows: AsyncIterator[Row]) -> AsyncIterator[bytes]:
    names = [str(name) for name in await anext(rows)]
    before = "["
    async for some in _some(rows):
        said = [json.dumps(dict(zip(names, row, strict=True))) for row in some]
        yield (before + "\n" + ",\n".join(said)).encode()
        before = ","
    yield b"[]\n" if before == "[" else b"\n]\n"


async def _some(rows: AsyncIterator[Row]) -> AsyncIterator[list[Row]]:
    """Yield rows together, as many as are written at once."""
    waiting: list[Row] = []
    async for row in rows:
        waiting.append(row)
        if len(waiting) >= _ROWS:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def lines_of(rows: Sequence[Row]) -> bytes:
    """Return rows as CSV: CRLF at line ends, quotes where they are needed, UTF-8."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([_plain(cell) for cell in r] for r in rows)
    return text.getvalue().encode("utf-8", "replace")


def _plain(cell: Cell) -> Cell:
    """Return a cell that is text in every spreadsheet, if it is text; numbers are ours."""
    risky = isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA)
    return f"'{cell}" if risky else cell
