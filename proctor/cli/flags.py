"""`proctor flags`: what other rules would have flagged."""

import asyncio
import json
import sys
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from proctor.adapters import policies
from proctor.adapters.policies import LoadedPolicy
from proctor.adapters.read_only import ServerStarted, open_read_only
from proctor.adapters.store import DatabaseUnusable
from proctor.domain.flags import Flag
from proctor.services.journal import milliseconds
from proctor.services.replay import PolicyForOtherSections, Replayed, replay

# To a person who waits, how far it is; a session of two hours takes a tenth of a second.
PROGRESS_EVERY = 25

app = typer.Typer(
    help="Flags: what other rules would have raised.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def _flags() -> None:
    """Flags: what other rules would have raised."""


@app.command("replay")
def replay_flags(
    exam: str,
    policy: Annotated[Path, typer.Option(help="The policy file to try.")],
    as_json: Annotated[bool, typer.Option("--json", help="A line for each session.")] = False,
    data: Annotated[
        Path, typer.Option(envvar="PROCTOR_DATA", help="Folder of database, pictures and keys.")
    ] = Path("proctor-data"),
) -> None:
    """Print what would differ if an exam's sessions were held against another policy.

    Stored observations and records are evaluated again. No picture is looked at and nothing is
    written: the server may run.
    """
    loaded = policies.load(policy)
    try:
        asyncio.run(_replay(exam, loaded, data, as_json=as_json))
    except (DatabaseUnusable, PolicyForOtherSections, ServerStarted) as no:
        print(no, file=sys.stderr)
        raise typer.Exit(1) from None


async def _replay(exam: str, loaded: LoadedPolicy, data: Path, *, as_json: bool) -> None:
    sessions = differ = compared = 0
    async with open_read_only(data, tell=partial(print, file=sys.stderr)) as store:
        async for each in replay(store, exam, loaded.policy, loaded.sha256):
            sessions += 1
            differ += each.differs
            compared += each.compared
            if as_json:
                print(json.dumps(_facts(each)))
            elif each.differs:
                print("\n".join(_lines(each)))
            if each.place % PROGRESS_EVERY == 0:
                print(f"{each.place} of {each.of} sessions", file=sys.stderr)
    if as_json:
        return
    name = f"{loaded.policy.id} {loaded.sha256[:12]}"
    print(f"{differ} of {sessions} sessions would differ under {name}. Nothing was written.")
    if any(rule.when == "another-person" for rule in loaded.policy.flags) and not compared:
        print(
            "No snapshot was compared with the face of its check-in, so that another-person "
            "found nothing: the policy of these sessions has no such rule."
        )


def _lines(each: Replayed) -> list[str]:
    counts = ((each.appear, "appear"), (each.disappear, "disappear"), (each.change, "change"))
    what = ", ".join(f"{len(flags)} {word}" for flags, word in counts if flags)
    return [
        f"{each.session}: {what}",
        *(f"  + {_words(flag)}" for flag in each.appear),
        *(f"  - {_words(flag)}" for flag in each.disappear),
        *(
            line
            for pair in each.change
            for line in (f"  ~ {_words(pair.before)}", f"    {_words(pair.after)}")
        ),
    ]


def _words(flag: Flag) -> str:
    """Return "10:02:10-10:05:10 UTC part-a conduct 0.8 person-count: more than 1 person"."""
    return (
        f"{_clock(flag.started_at)}-{_clock(flag.ended_at)} UTC {flag.section_id} "
        f"{flag.flag_class} {flag.severity:g} {flag.when}: {flag.rule}"
    )


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}"


def _facts(each: Replayed) -> dict[str, Any]:
    return {
        "session": each.session,
        "snapshots": each.snapshots,
        "compared": each.compared,
        "appear": [_flag(flag) for flag in each.appear],
        "disappear": [_flag(flag) for flag in each.disappear],
        "change": [
            {"before": _flag(pair.before), "after": _flag(pair.after)} for pair in each.change
        ],
    }


def _flag(flag: Flag) -> dict[str, Any]:
    return {
        "flag": flag.id,
        "when": flag.when,
        "rule": flag.rule,
        "class": str(flag.flag_class),
        "severity": flag.severity,
        "section": flag.section_id,
        "started_at_ms": milliseconds(flag.started_at),
        "ended_at_ms": milliseconds(flag.ended_at),
        "times": flag.times,
        "lasted_ms": flag.lasted // timedelta(milliseconds=1),
        "measurement": flag.measurement,
        "value": flag.value,
        "threshold": flag.threshold,
        "snapshots": flag.snapshot_count,
        "records": len(flag.records),
    }
