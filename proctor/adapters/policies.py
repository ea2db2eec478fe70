"""Policy files: TOML in, one whole policy and its digest out."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pydantic
import rfc8785

import proctor
from proctor.adapters import policy_lint, policy_words
from proctor.adapters import toml_lines as toml
from proctor.adapters.policy_file import (
    PolicyError,
    PolicyFile,
    key_of,
    read_file,
    said,
    shape_errors,
)
from proctor.adapters.policy_schema import FileDoc, PolicyDoc, PolicyTest, policy_of
from proctor.adapters.policy_tests import Outcome, outcomes
from proctor.domain.policy import Policy
from proctor.domain.wording import Chapter, for_learner, for_proctor

__all__ = [
    "LoadedPolicy",
    "Outcome",
    "PolicyError",
    "Printed",
    "builtin_folder",
    "check_files",
    "json_schema",
    "load",
    "parse_body",
    "run_tests",
    "show",
    "test_files",
]

# A policy that needs more parents than this is read by nobody.
EXTENDS_MOST = 8

json_schema = policy_words.json_schema


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPolicy:
    policy: Policy
    sha256: str  # of `body`, lower-case hex: *the* digest of the policy
    body: bytes  # the whole policy without its tests, as RFC 8785 JSON
    tests: tuple[PolicyTest, ...]  # of the file itself, not of its parents


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What a command has to say about one file."""

    ok: bool
    lines: tuple[str, ...]


def load(path: Path) -> LoadedPolicy:
    """Read a policy file and those it extends.

    Parents are looked for as `<id>.toml` in the file's folder, then in `builtin_folder()`.

    Raises:
        PolicyError: The first thing that is wrong; `others` has the rest.
    """
    chain = _chain(path)
    _stop_at(error for file in chain for error in shape_errors(file))
    whole = _Whole(chain)
    doc = _whole_doc(whole)
    tests = FileDoc.model_validate(chain[-1].doc).test
    _stop_at(
        whole.error(fault)
        for fault in (*policy_lint.faults_in(doc), *_test_faults(doc, tests), *whole.idle)
    )
    body = rfc8785.dumps(doc.model_dump(by_alias=True, exclude_none=True))
    return LoadedPolicy(
        policy=policy_of(doc),
        sha256=hashlib.sha256(body).hexdigest(),
        body=body,
        tests=tuple(tests),
    )


def _whole_doc(whole: "_Whole") -> PolicyDoc:
    try:
        return PolicyDoc.model_validate(whole.doc)
    except pydantic.ValidationError as wrong:
        # Each file was right by itself: together they can only have too many rows.
        place = wrong.errors(include_url=False)[0]["loc"][:1]
        fault = policy_lint.Fault(
            path=place,
            problem=f"has {len(whole.doc[str(place[0])])} rows with those of its parents",
            right=f"at most {policy_words.node_at(place)['maxItems']}",
        )
        raise whole.error(fault) from None


def parse_body(body: bytes) -> Policy:
    """Return the policy whose `LoadedPolicy.body` this is.

    Raises:
        PolicyError: These bytes are no whole policy.
    """
    try:
        return policy_of(PolicyDoc.model_validate_json(body))
    except pydantic.ValidationError as wrong:
        first = wrong.errors(include_url=False, include_context=False, include_input=False)[0]
        raise PolicyError(
            file="policy body",
            line=1,
            key=key_of(first["loc"]),
            problem=first["msg"],
            right="the bytes that were published under this digest",
        ) from None


def builtin_folder() -> Path:
    """Return the folder of the policies that come with Proctor."""
    package = Path(proctor.__file__).parent
    in_repository = package.parent / "policies"
    return in_repository if (in_repository / "closed-book.toml").is_file() else package / "policies"


def builtin_ids() -> list[str]:
    """Return the ids of the policies that come with Proctor, sorted."""
    return sorted(path.stem for path in builtin_folder().glob("*.toml"))


def run_tests(loaded: LoadedPolicy) -> list[Outcome]:
    """Play the file's [[test]] rows through the same rules as a session."""
    return outcomes(loaded.policy, loaded.sha256, loaded.tests)


# --- for the terminal ------------------------------------------------------------------------


def check_files(paths: Sequence[Path]) -> list[Printed]:
    """Return for each file, or built-in id, that it is right, or its errors, one a line."""
    return [_check(_meant(path)) for path in paths]


def test_files(paths: Sequence[Path]) -> list[Printed]:
    """Return for each file, or built-in id, how its tests went, or its errors, one a line."""
    return [_test(_meant(path)) for path in paths]


def show(path: Path, audience: Literal["learner", "proctor"]) -> Printed:
    """Return what a learner or a proctor reads of a policy: a file, or a built-in id."""
    try:
        policy = load(_meant(path)).policy
    except PolicyError as wrong:
        return _refused(wrong)
    chapters = for_learner(policy) if audience == "learner" else for_proctor(policy)
    return Printed(ok=True, lines=(policy.title, *_text(chapters)))


def _meant(path: Path) -> Path:
    """Return the file of a built-in policy where its id was given, and no file has that name."""
    builtin = str(path) in builtin_ids() and not path.is_file()
    return builtin_folder() / f"{path}.toml" if builtin else path


def _check(path: Path) -> Printed:
    try:
        loaded = load(path)
    except PolicyError as wrong:
        return _refused(wrong)
    return Printed(ok=True, lines=(f"{path}: right; policy {loaded.policy.id} {loaded.sha256}",))


def _test(path: Path) -> Printed:
    try:
        results = run_tests(load(path))
    except PolicyError as wrong:
        return _refused(wrong)
    passed = sum(result.passed for result in results)
    return Printed(
        ok=passed == len(results),
        lines=(
            *(f"{path}: {result.words}" for result in results),
            f"{path}: {passed} of {len(results)} tests passed",
        ),
    )


def _refused(wrong: PolicyError) -> Printed:
    return Printed(ok=False, lines=(str(wrong), *map(str, wrong.others)))


def _text(chapters: Iterable[Chapter]) -> Iterator[str]:
    for chapter in chapters:
        yield ""
        yield chapter.heading
        yield from (f"  - {line}" for line in chapter.lines)


# --- a file and its parents ------------------------------------------------------------------


def _chain(path: Path) -> list[PolicyFile]:
    """Return the file and all it extends, the oldest first.

    Raises:
        PolicyError: A parent is missing, has another id than its name, or there is a cycle.
    """
    chain = [read_file(path)]
    places = [path.resolve()]
    while True:
        child = chain[0]
        parent_id = child.doc.get("extends")
        if not isinstance(parent_id, str) or not re.fullmatch(
            r"[a-z0-9][a-z0-9-]{0,63}", parent_id
        ):
            return chain  # none, or a wrong one that the shape check names
        parent = _parent(child, parent_id)
        names = [str(file.doc.get("id")) for file in reversed(chain)] + [parent_id]
        if parent.resolve() in places:
            raise child.error(
                ("extends",),
                f"is a cycle: {' → '.join(names)}",
                "a parent that extends none of these",
            )
        if len(chain) > EXTENDS_MOST:
            raise child.error(
                ("extends",), f"is parent number {len(chain)}", f"at most {EXTENDS_MOST} parents"
            )
        file = read_file(parent)
        if file.doc.get("id") != parent_id:
            raise file.error(
                ("id",),
                f"is {said(file.doc.get('id'))}",
                f'id = "{parent_id}", as the file is named',
            )
        chain.insert(0, file)
        places.append(parent.resolve())


def _parent(child: PolicyFile, parent_id: str) -> Path:
    folders = (child.path.parent, builtin_folder())
    for folder in folders:
        if (folder / f"{parent_id}.toml").is_file():
            return folder / f"{parent_id}.toml"
    known = sorted({file.stem for folder in folders for file in folder.glob("*.toml")})
    like = policy_words.nearest(parent_id, known)
    raise child.error(
        ("extends",),
        f'there is no policy "{parent_id}"',
        (f"did you mean {like}? " if like else "")
        + f"a file {parent_id}.toml beside this one, or a policy that comes with Proctor",
    )


class _Whole:
    """A policy with its parents in it, and from where each part came.

    Tables merge key by key. Of the rows of [[allow]] and [[flag]], those of one `kind` or
    `when` belong together: a child that has some replaces all its parent has of them, and
    takes the others over, unless it drops them. Every other list is replaced.
    """

    _ROWS: Mapping[str, str] = {"allow": "kind", "flag": "when"}

    def __init__(self, chain: Sequence[PolicyFile]) -> None:
        self.doc: dict[str, Any] = {}
        self.idle: list[policy_lint.Fault] = []  # drops of what is not there
        self._child = chain[-1]
        self._from: dict[toml.Path, tuple[PolicyFile, toml.Path]] = {}
        rows: dict[str, list[tuple[PolicyFile, int, Mapping[str, Any]]]] = {"allow": [], "flag": []}
        for file in chain:
            for name, value in file.doc.items():
                if name in self._ROWS or name in {"extends", "drop", "test"}:
                    continue
                if isinstance(value, dict):
                    self.doc[name] = {**self.doc.get(name, {}), **value}
                    self._from |= {(name, key): (file, (name, key)) for key in value}
                else:
                    self.doc[name] = value
                    self._from[(name,)] = (file, (name,))
            for name, key in self._ROWS.items():
                rows[name] = self._rows(file, name, key, rows[name])
        for name, taken in rows.items():
            self.doc[name] = [row for _, _, row in taken]
            self._from |= {
                (name, new): (file, (name, old)) for new, (file, old, _) in enumerate(taken)
            }

    def _rows(
        self,
        file: PolicyFile,
        name: str,
        key: str,
        inherited: list[tuple[PolicyFile, int, Mapping[str, Any]]],
    ) -> list[tuple[PolicyFile, int, Mapping[str, Any]]]:
        own = file.doc.get(name, [])
        dropped = file.doc.get("drop", {}).get(name, [])
        had = {row[key] for _, _, row in inherited}
        if file is self._child:
            self.idle += [
                policy_lint.Fault(
                    path=("drop", name, place),
                    problem=f"{kind} is not among what this policy takes over",
                    right=f"one of {', '.join(sorted(had))}" if had else "nothing: leave it out",
                )
                for place, kind in enumerate(dropped)
                if kind not in had
            ]
        replaced = {*dropped, *(row[key] for row in own)}
        return [
            *(row for row in inherited if row[2][key] not in replaced),
            *((file, index, row) for index, row in enumerate(own)),
        ]

    def error(self, fault: policy_lint.Fault) -> PolicyError:
        """Return a fault of the whole as an error of the file that the part came from."""
        for length in range(len(fault.path), 0, -1):
            if fault.path[:length] in self._from:
                file, at = self._from[fault.path[:length]]
                return file.error((*at, *fault.path[length:]), fault.problem, fault.right)
        return self._child.error(fault.path, fault.problem, fault.right)


def _test_faults(doc: PolicyDoc, tests: Sequence[PolicyTest]) -> Iterator[policy_lint.Fault]:
    for index, test in enumerate(tests):
        for place, row in enumerate(test.given):
            path = ("test", index, "given", place, "section")
            yield from policy_lint.unknown_section(doc, row.section, path)


def _stop_at(errors: Iterable[PolicyError]) -> None:
    found = sorted(errors, key=lambda error: (error.file, error.line))
    if found:
        found[0].others = tuple(found[1:])
        raise found[0]
