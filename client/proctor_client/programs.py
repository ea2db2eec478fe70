"""Programs and displays that the policy has a rule about; nothing else is looked at.

Which programs to look for is what the server would raise a flag for (`proctor.domain.policy`,
`watched_programs`), told over in the policy's JSON.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import psutil


def watched(policy: Mapping[str, Any], section: str) -> frozenset[str]:
    """Return the names to look for in a section: those of its rules that are not allowed there."""
    named = _names(
        row
        for row in policy.get("flag") or ()
        if row.get("when") == "program" and _holds_in(row, section)
    )
    allowed = _names(
        row
        for row in policy.get("allow") or ()
        if row.get("kind") == "software" and _holds_in(row, section)
    )
    return named - allowed


def displays_most(policy: Mapping[str, Any], section: str) -> int | None:
    """Return how many displays a section is taken with; None: no rule of it is about them."""
    rules = policy.get("flag") or ()
    if not any(row.get("when") == "second-display" and _holds_in(row, section) for row in rules):
        return None
    return int(policy.get("system", {}).get("displays_most", 1))


def running(names: frozenset[str]) -> frozenset[str]:
    """Return which of these names run on this computer now. It takes a while: for a thread."""
    seen = (process.info["name"] for process in psutil.process_iter(["name"]))
    # No name where this account may not read it.
    return names & {program_name(name) for name in seen if name}


def program_name(name: str) -> str:
    """Return a process's name as rules are compared: without case or its platform's ending."""
    return name.strip().casefold().removesuffix(".exe").removesuffix(".app")


def _names(rows: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(program_name(name) for row in rows for name in row.get("programs") or ())


def _holds_in(row: Mapping[str, Any], section: str) -> bool:
    return not row.get("sections") or section in row["sections"]
