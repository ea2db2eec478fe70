"""docs/STATES.md is drawn from the tables. After a change of a table:

REDRAW=1 python -m pytest tests/docs/test_states.py
"""

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from proctor.domain import identity, review, session
from proctor.domain.acts import CONFIRM_WITHIN
from proctor.domain.moves import Actor

PAGE = Path(__file__).parents[2] / "docs" / "STATES.md"
DRAWN = re.compile(r"(<!-- drawn: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

Moves = Mapping[Any, Mapping[Any, Any]]
Causes = Mapping[Any, frozenset[Actor]]
# By the name of its drawing: first state, moves, who may cause each event.
MACHINES: Mapping[str, tuple[StrEnum, Moves, Causes]] = {
    "session": (session.State.INVITED, session.MOVES, session.CAUSES),
    "section": (session.SectionState.PLANNED, session.SECTION_MOVES, session.SECTION_CAUSES),
    "id-check": (identity.IdState.AWAITED, identity.MOVES, identity.CAUSES),
    "review": (review.ReviewState.AWAITING, review.MOVES, review.CAUSES),
}


def draw(first: StrEnum, moves: Moves, causes: Causes) -> str:
    """Return a machine as a Mermaid diagram and a table, in Markdown."""
    lines = ["```mermaid", "stateDiagram-v2"]
    # Mermaid's names have no hyphens; what is read may.
    lines += [f'    state "{state}" as {_name(state)}' for state in moves if "-" in state]
    lines.append(f"    [*] --> {_name(first)}")
    for state, row in moves.items():
        lines += [f"    {_name(state)} --> {_name(row[event])} : {event}" for event in row]
        lines += [] if row else [f"    {_name(state)} --> [*]"]
    lines += ["```", "", "| event | who may cause it |", "|---|---|"]
    for event, actors in causes.items():
        who = ", ".join(actor for actor in Actor if actor in actors)
        lines.append(f"| {event} | {who} |")
    return "\n".join(lines) + "\n"


def redrawn(page: str) -> str:
    return DRAWN.sub(lambda found: found[1] + draw(*MACHINES[found[2]]) + found[3], page)


def _name(state: StrEnum) -> str:
    return state.replace("-", "_")


def test_the_page_draws_the_machines_as_the_tables_have_them() -> None:
    page = PAGE.read_text(encoding="utf-8")
    drawn = redrawn(page)
    if os.environ.get("REDRAW"):
        PAGE.write_text(drawn, encoding="utf-8")
        page = drawn

    assert page == drawn


def test_the_page_draws_each_machine_once() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert [found[2] for found in DRAWN.finditer(page)] == list(MACHINES)
    assert page.count("```mermaid") == page.count("| event |") == len(MACHINES)


@pytest.mark.parametrize("name", MACHINES)
def test_a_change_of_a_table_is_noticed(name: str) -> None:
    first, moves, causes = MACHINES[name]
    drawn = draw(first, moves, causes)
    for state, row in moves.items():
        for event in row:
            less = {**moves, state: {e: to for e, to in row.items() if e != event}}
            assert draw(first, less, causes) != drawn
    for event, actors in causes.items():
        assert draw(first, moves, {**causes, event: frozenset(Actor) - actors}) != drawn


def test_the_drawings_begin_where_the_machines_do() -> None:
    planned = session.SectionRun(id="a", limit=timedelta(hours=1))
    invited = session.ExamSession(
        id="s_1",
        exam="sds",
        exam_sha256="",
        policy_sha256="",
        learner="Ada",
        made_at=datetime(2026, 6, 1, tzinfo=UTC),
        sections=(planned,),
        in_order=True,
    )
    begun = [invited.state, planned.state, invited.id_check.state, invited.review.state]

    assert begun == [first for first, _, _ in MACHINES.values()]


def test_a_proposal_lapses_as_soon_as_the_page_says() -> None:
    assert timedelta(minutes=1) == CONFIRM_WITHIN
    assert "within a minute confirms it" in PAGE.read_text(encoding="utf-8")


def test_the_page_names_the_grace_the_code_gives() -> None:
    minutes = session.HAND_IN_GRACE.total_seconds() / 60

    assert f"{minutes:.0f} minutes" in PAGE.read_text(encoding="utf-8")
