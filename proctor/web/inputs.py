"""What a handler takes: read off its signature once, and off each request with validation."""

import asyncio
import inspect
import re
import typing
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, StringConstraints, TypeAdapter, ValidationError

from proctor.web.problems import InputError, InvalidInput, NotJson, UnreadableBody

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

# A body for which its route allows more than all others has to be there within this time, and what
# is there of it at any moment, but for the first seconds, to have come at this rate: a line that
# carries an exam does. Whoever sends no more holds a place that others wait for.
LARGE_BODY_S = 300.0
LEAST_BYTES_PER_S = 16 * 1024
_SLOW_FOR_S = 20.0
# What takes longer to parse than a keystroke of everybody else may wait.
_PARSED_AT_ONCE_BYTES = 256 * 1024
_MAX_ERRORS = 20
_PART = re.compile(r"[A-Za-z0-9_-]{1,64}")
# The messages of pydantic that quote what was sent.
_QUOTING = frozenset(
    {"union_tag_invalid", "uuid_parsing", "bytes_invalid_encoding", "url_parsing"}
    | {"url_syntax_violation", "mapping_type", "get_attribute_error"}
)


@cache
def adapter_of(hint: Any) -> TypeAdapter[Any]:
    """Return what reads and writes a type; once for all apps of a process, for it takes a while."""
    return TypeAdapter(hint)


class BadRoute(Exception):
    """A declaration that can't work: a mistake of ours, found when the program starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    adapter: TypeAdapter[Any]
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All but the request that a handler takes, by its parameters' names."""

    path: Mapping[str, Parameter]
    query: Mapping[str, Parameter]
    body: tuple[str, TypeAdapter[Any]] | None

    async def read(self, request: web.Request, *, max_body: int | None = None) -> dict[str, object]:
        """Return the handler's arguments.

        Args:
            request: The request.
            max_body: The bytes that its body may have; None: the app's own bound.

        Raises:
            InvalidInput: Path, query or body is not of the declared type.
            NotJson: The body's type is another.
            UnreadableBody: The body can't be decompressed.
            web.HTTPRequestTimeout: A large one took longer than LARGE_BODY_S, or came too slowly.
            web.HTTPRequestEntityTooLarge: It has more bytes than it may.
        """
        errors: list[InputError] = []
        arguments = _arguments(self.path, "path", request.match_info.items(), errors)
        arguments |= _arguments(self.query, "query", request.query.items(), errors)
        if self.body is not None:
            name, adapter = self.body
            sent = await _json_bytes(request, max_body)
            try:
                if len(sent) > _PARSED_AT_ONCE_BYTES:
                    arguments[name] = await asyncio.to_thread(adapter.validate_json, sent)
                else:
                    arguments[name] = adapter.validate_json(sent)
            except ValidationError as refused:
                errors += _errors_of(refused, "body")
        if errors:
            raise InvalidInput(errors=errors[:_MAX_ERRORS])
        return arguments


def inputs_of(handler: Callable[..., Awaitable[object]], path: str) -> Inputs:
    """Read off a handler's signature what it takes.

    Raises:
        BadRoute: Path and signature don't fit each other.
    """
    in_path = re.findall(r"\{(\w+)\}", path)
    if path.count("{") != len(in_path):
        raise BadRoute(f"{path}: a pattern belongs into the parameter's type")
    hints = typing.get_type_hints(handler, include_extras=True)
    parameters = list(inspect.signature(handler).parameters.values())
    if not parameters or hints.get(parameters.pop(0).name) is not web.Request:
        raise BadRoute(f"{path}: the first parameter is the request")
    if missing := set(in_path) - {one.name for one in parameters}:
        raise BadRoute(f"{path}: the handler does not take {', '.join(sorted(missing))}")
    of_path: dict[str, Parameter] = {}
    query: dict[str, Parameter] = {}
    body: tuple[str, TypeAdapter[Any]] | None = None
    for one in parameters:
        if one.name not in hints:
            raise BadRoute(f"{path}: {one.name} has no type")
        hint = hints[one.name]
        if one.name in in_path:
            of_path[one.name] = Parameter(adapter=adapter_of(Id if hint is str else hint))
        elif isinstance(hint, type) and issubclass(hint, BaseModel):
            if body is not None:
                raise BadRoute(f"{path}: two bodies, {body[0]} and {one.name}")
            body = (one.name, adapter_of(hint))
        else:
            query[one.name] = Parameter(
                adapter=adapter_of(hint), required=one.default is inspect.Parameter.empty
            )
    return Inputs(path=of_path, query=query, body=body)


def _arguments(
    parameters: Mapping[str, Parameter],
    where: str,
    given: Iterable[tuple[str, str]],
    errors: list[InputError],
) -> dict[str, object]:
    arguments: dict[str, object] = {}
    seen: set[str] = set()
    for name, text in given:
        if name not in parameters:
            # Ignored, a mistyped filter would show everything and look as if it had worked.
            place = f"{where}.{_part(name)}"
            errors.append(InputError(where=place, problem="is not known here"))
        elif name in seen:
            errors.append(InputError(where=f"{where}.{name}", problem="is given twice"))
        else:
            seen.add(name)
            try:
                arguments[name] = parameters[name].adapter.validate_strings(text)
            except ValidationError as refused:
                errors += _errors_of(refused, f"{where}.{name}")
    for name in parameters.keys() - seen:
        if parameters[name].required:
            errors.append(InputError(where=f"{where}.{name}", problem="Field required"))
    return arguments


async def _json_bytes(request: web.Request, max_body: int | None) -> bytes:
    if request.content_type != "application/json":
        raise NotJson
    try:
        if max_body is None:
            return await request.read()
        async with asyncio.timeout(LARGE_BODY_S):
            return await _large_body(request, max_body)
    except web.RequestPayloadError:
        raise UnreadableBody from None
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


async def _large_body(request: web.Request, max_body: int) -> bytes:
    """Read a body, as long as it comes at the least rate. Raises TimeoutError, and as `read`."""
    body = bytearray()
    late_at = asyncio.get_running_loop().time() + _SLOW_FOR_S
    while True:
        async with asyncio.timeout_at(late_at + len(body) / LEAST_BYTES_PER_S):
            part = await request.content.readany()
        if not part:
            return bytes(body)
        body += part
        if len(body) > max_body:
            raise web.HTTPRequestEntityTooLarge(max_size=max_body, actual_size=len(body))


def _errors_of(refused: ValidationError, where: str) -> Iterable[InputError]:
    for error in refused.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join([where, *(_part(one) for one in error["loc"])])
        quoting = error["type"] in _QUOTING
        problem = f"is not valid ({error['type']})" if quoting else error["msg"]
        yield InputError(where=place, problem=problem)


def _part(part: str | int) -> str:
    """Return a step of a path to an error: keys may be the caller's own words, of any length."""
    text = str(part)
    return text if _PART.fullmatch(text) else "?"
