"""docs/protocol.md says what the code says; routes and problems are drawn from it."""

import ast
import importlib
import json
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import TypeAdapter

import proctor
from proctor.domain.errors import Refusal
from proctor.evidence.errors import EvidenceError
from proctor.evidence.record import SERVER_KINDS, Kind
from proctor.services.intake import MAX_OWED_TOLD, Receipted
from proctor.services.views import SessionView
from proctor.web import auth, metrics, openapi, problems, uplink
from proctor.web.acts import add_act_routes
from proctor.web.after import add_after_routes
from proctor.web.api import Api
from proctor.web.console import add_console_routes
from proctor.web.exports import add_export_routes
from proctor.web.health import add_health_route
from proctor.web.identity import add_identity_routes
from proctor.web.learner import JoinRequest, JoinView, add_learner_routes
from proctor.web.looks import LookDesk, add_look_routes
from proctor.web.rehearsals import add_rehearsal_routes
from proctor.web.reviews import add_review_routes
from proctor.web.uplink import add_uplink_route
from proctor.web.wall import add_wall_route
from tests.docs.drawn import DOCS, ROOT, drawn, rows_of, table

PAGE = DOCS / "protocol.md"
TEXT = PAGE.read_text(encoding="utf-8")
NOBODY = "not written by"
WORD = re.compile(r"`([\w-]+)`")


def declared() -> Api:
    """Return all routes; none is called, so none needs anything to work with."""
    nothing = cast(Any, None)
    api = Api("Proctor", "1")
    add_learner_routes(api, nothing)
    add_rehearsal_routes(api, nothing)
    add_uplink_route(api, intake=nothing, cases=nothing, analysis=nothing, metrics=nothing)
    add_wall_route(api, wall=nothing)
    add_console_routes(api, nothing)
    add_review_routes(api, nothing)
    add_after_routes(api, nothing)
    add_look_routes(api, LookDesk(looks=nothing, export=nothing, results=nothing))
    add_export_routes(api, nothing)
    add_act_routes(api, nothing)
    add_identity_routes(api, nothing)
    auth.add_login_routes(api, nothing)
    metrics.add_metrics_routes(api, nothing)
    add_health_route(api, nothing, nothing, metrics.Metrics())
    openapi.add_document_route(api)
    return api


def draw_routes(_: str) -> str:
    rows = [
        [
            f"`{one.method} {one.path}`",
            ", ".join(sorted(one.roles)),
            (one.handler.__doc__ or "").partition("\n")[0],
        ]
        for one in declared().operations
    ]
    return table(["route", "for", "does"], rows)


def codes() -> dict[int, set[str]]:
    """Return the codes of all problems by status."""
    for module in pkgutil.walk_packages(proctor.__path__, "proctor."):
        # The demo and the commands serve nothing, and a migration runs only inside alembic.
        if not re.match(r"proctor\.(demo|cli|adapters\.migrations)", module.name):
            importlib.import_module(module.name)
    found: defaultdict[int, set[str]] = defaultdict(set)
    for kind in [*_below(Refusal), *_below(EvidenceError)]:
        if re.match(r"proctor\.(?!demo|cli)", kind.__module__):
            found[problems.status_of(kind)].add(kind.code)
    for status, (code, _) in problems._OF_HTTP.items():
        found[status].add(code)
    found[500].add("internal-error")
    return found


def _below(kind: Any) -> Iterator[Any]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def draw_problems(_: str) -> str:
    rows = [
        [str(int(status)), " ".join(f"`{code}`" for code in sorted(some))]
        for status, some in sorted(codes().items())
    ]
    return table(["status", "codes"], rows)


def test_the_page_is_drawn_from_the_code() -> None:
    page, wanted = drawn(PAGE, {"routes": draw_routes, "problems": draw_problems})

    assert page == wanted, "REDRAW=1 python -m pytest tests/docs"


@pytest.mark.parametrize("shape", [JoinRequest, JoinView, SessionView], ids=lambda s: s.__name__)
def test_a_sample_is_what_is_sent(shape: type) -> None:
    found = re.search(rf"<!-- sample: {shape.__name__} -->\n```json\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    sample = json.loads(found[1])
    adapter: TypeAdapter[Any] = TypeAdapter(shape)

    assert adapter.dump_python(adapter.validate_python(sample), mode="json") == sample


def messages() -> dict[str, set[str]]:
    """Return the uplink's messages as the code writes them: type to keys."""
    source = (ROOT / "proctor/web/uplink.py").read_text(encoding="utf-8")
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
            if keys[:1] == ["type"] and isinstance(node.values[0], ast.Constant):
                found[str(node.values[0].value)] = set(map(str, keys[1:]))
    # The receipt is written by hand, for speed: what it is stands in what it writes.
    receipt = json.loads(uplink._receipt(Receipted(b"note", 1, (), records=1, told=False)))
    found[receipt["type"]] = set(receipt) - {"type"}
    return found


def test_the_messages_of_the_uplink_are_those_of_the_code() -> None:
    part = TEXT.partition("## Uplink")[2].partition("\n## ")[0]
    told = {kind.strip("`"): set(WORD.findall(keys)) for kind, keys, _ in rows_of(part)}

    assert told == messages()
    assert f"at most {MAX_OWED_TOLD} blobs" in part


def test_the_client_reads_every_message_of_the_uplink() -> None:
    source = (ROOT / "client/proctor_client/wire.py").read_text(encoding="utf-8")

    assert set(re.findall(r'case "([\w-]+)":', source)) == set(messages())


# --- facts -----------------------------------------------------------------------------------


class _Facts:
    """Which keys a module's code gives to each kind of record, read off its source."""

    def __init__(self, path: Path) -> None:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        self._functions = {
            node.name: node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        self.by_kind: defaultdict[Kind, set[str]] = defaultdict(set)
        for function in self._functions.values():
            for node in ast.walk(function):
                if isinstance(node, ast.Call):
                    self._call(node, function)

    def _call(self, call: ast.Call, function: ast.AST) -> None:
        for at, argument in enumerate(call.args[:-1]):
            match argument:
                case ast.Attribute(value=ast.Name(id="Kind"), attr=name):
                    self.by_kind[Kind[name]] |= self._keys(call.args[at + 1], function)
                case _:
                    pass

    def _keys(self, node: ast.AST | None, function: ast.AST) -> set[str]:
        match node:
            case ast.Dict(keys=keys, values=values):
                found: set[str] = set()
                for key, value in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant):
                        found.add(str(key.value))
                    else:
                        found |= self._keys(value, function)
                return found
            case ast.IfExp(body=body, orelse=orelse):
                return self._keys(body, function) | self._keys(orelse, function)
            case ast.Name(id=name):
                return self._named(name, function)
            case ast.Call(func=ast.Name(id=name)) if name in self._functions:
                of = self._functions[name]
                returned = [each for each in ast.walk(of) if isinstance(each, ast.Return)]
                return set().union(*(self._keys(each.value, of) for each in returned))
            case _:
                return set()

    def _named(self, name: str, function: ast.AST) -> set[str]:
        found: set[str] = set()
        for node in ast.walk(function):
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=target)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=target), value=value)
                ) if target == name:
                    found |= self._keys(value, function)
                case ast.Assign(
                    targets=[
                        ast.Subscript(value=ast.Name(id=target), slice=ast.Constant(value=key))
                    ]
                ) if target == name:
                    found.add(str(key))
                case _:
                    pass
        return found


def written() -> dict[Kind, set[str]]:
    found: defaultdict[Kind, set[str]] = defaultdict(set)
    for folder in ("proctor/services", "client/proctor_client"):
        for path in sorted((ROOT / folder).glob("*.py")):
            for kind, keys in _Facts(path).by_kind.items():
                found[kind] |= keys
    return {kind: keys for kind, keys in found.items() if keys}


def told(heading: str) -> dict[str, tuple[set[str], str]]:
    part = TEXT.partition(f"### {heading}\n")[2].partition("\n##")[0]
    return {
        kind.strip("`"): (set(WORD.findall(facts)), words) for kind, facts, words in rows_of(part)
    }


FACTS = told("Written by devices") | told("Written by the server")


def test_every_kind_stands_with_its_writer() -> None:
    assert list(told("Written by devices")) == [k for k in Kind if k not in SERVER_KINDS]
    assert set(told("Written by the server")) == set(SERVER_KINDS)


@pytest.mark.parametrize("kind", Kind)
def test_the_facts_of_a_kind_are_those_that_are_written(kind: Kind) -> None:
    facts, words = FACTS[kind]
    keys = written().get(kind, set())

    assert (not keys) == (NOBODY in words)
    assert keys <= facts


def test_facts_are_found_where_they_are_written() -> None:
    found = written()

    assert found[Kind.HELLO] >= {"key", "policy_sha256"}
    assert found[Kind.SECTION] >= {"section", "closes_at_ms"}
    assert found[Kind.VERDICT] == FACTS[Kind.VERDICT][0]
    assert found[Kind.FLAG] == FACTS[Kind.FLAG][0]
