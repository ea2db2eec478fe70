"""Tables of an exam as CSV (RFC 4180), for spreadsheets: no cell of them is a formula."""

import csv
import io
from collections.abc import Sequence

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
    """Declare the route."""

    @api.route(
        "GET",
        "/api/v1/exams/{exam}/export/{table}.csv",
        role=(Role.LEAD, Role.COURSE_TEAM),
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
        rows = tables.rows(exam, table)
        # The first row before the answer begins: an unknown exam can still be a 404.
        waiting: list[Row] = [await anext(rows)]
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/csv; charset=utf-8; header=present",
                "Content-Disposition": f'attachment; filename="{exam}-{table}.csv"',
                "Cache-Control": "no-store",
            }
        )
        await response.prepare(request)
        await response.write(_MARK.encode())
        async for row in rows:
            waiting.append(row)
            if len(waiting) >= _ROWS:
                await response.write(lines_of(waiting))
                waiting.clear()
        await response.write(lines_of(waiting))
        await response.write_eof()
        return response


def lines_of(rows: Sequence[Row]) -> bytes:
    """Return rows as CSV: CRLF at line ends, quotes where they are needed, UTF-8."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([_plain(cell) for cell in r] for r in rows)
    return text.getvalue().encode("utf-8", "replace")


def _plain(cell: Cell) -> Cell:
    """Return a cell that is text in every spreadsheet, if it is text; numbers are ours."""
    risky = isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA)
    return f"'{cell}" if risky else cell
