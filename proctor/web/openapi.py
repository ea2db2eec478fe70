"""The OpenAPI 3.1 document of an Api.

Written as plain dicts from pydantic's own schemas: openapi-pydantic takes only models (no lists
of them) and has one schema for what is read and what is written.
"""

import functools
from collections import defaultdict
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter

from proctor.services.own_exams import NotYourExam
from proctor.web.api import STAFF, Api, CanFail, Operation, Role
from proctor.web.auth import COOKIE
from proctor.web.problems import (
    CONTENT_TYPE,
    CrossSite,
    InvalidInput,
    LoginNeeded,
    NotJson,
    RoleNotAllowed,
    UnreadableBody,
    status_of,
)

PATH = "/api/v1/openapi.json"

# By operation, parameter (or "<body>", "<out>") and mode.
Schemas = Mapping[tuple[str, str, str], Any]

_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# What an address says of the exam that it is about: `auth` holds it against staff's own.
_EXAM = frozenset({"exam", "session"})
_REF = "#/components/schemas/{model}"
_PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "description": "RFC 9457. What else it holds are the facts of its type.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "pattern": "^urn:proctor:problem:[a-z0-9-]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
    },
}


def add_document_route(api: Api) -> None:
    """Declare GET /api/v1/openapi.json. It tells of all routes there are when first read."""
    made = functools.cache(lambda: document(api))

    @api.route("GET", PATH, role=Role.ANYONE, out=dict[str, Any], tags=["about"])
    async def get_openapi(_request: web.Request) -> dict[str, Any]:
        """Read this document."""
        return made()


def document(api: Api) -> dict[str, Any]:
    """Return the document as JSON's own types."""
    wanted: list[tuple[tuple[str, str], Any, TypeAdapter[Any]]] = []
    for one in api.operations:
        for name, parameter in (*one.inputs.path.items(), *one.inputs.query.items()):
            wanted.append(((one.name, name), "validation", parameter.adapter))
        if one.inputs.body is not None:
            wanted.append(((one.name, "<body>"), "validation", one.inputs.body[1]))
        if one.out is not None:
            wanted.append(((one.name, "<out>"), "serialization", one.out))
    found, definitions = TypeAdapter.json_schemas(wanted, ref_template=_REF)
    schemas: Schemas = {(*key, mode): schema for (key, mode), schema in found.items()}
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for one in api.operations:
        paths[one.path][one.method.lower()] = _operation(one, schemas)
    return {
        "openapi": "3.1.1",
        "info": {"title": api.title, "version": api.version},
        "paths": dict(paths),
        "components": {
            "schemas": {**definitions.get("$defs", {}), "Problem": dict(_PROBLEM)},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A device's token, or that of a staff login.",
                },
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": COOKIE,
                    "description": "Of a staff login; only for requests of our own pages.",
                },
            },
        },
    }


def _operation(one: Operation, schemas: Schemas) -> dict[str, Any]:
    roles = sorted(one.roles)
    summary, _, rest = (one.handler.__doc__ or one.name).strip().partition("\n")
    told = "\n".join(line.strip() for line in rest.splitlines()).strip()
    parameters = [
        {
            "name": name,
            "in": place,
            "required": parameter.required,
            "schema": schemas[one.name, name, "validation"],
        }
        for place, some in (("path", one.inputs.path), ("query", one.inputs.query))
        for name, parameter in some.items()
    ]
    made: dict[str, Any] = {
        "operationId": one.name,
        "summary": summary,
        "description": "\n\n".join(filter(None, [f"Role: {', '.join(roles)}.", told])),
        "x-role": roles,
        "tags": list(one.tags),
        "security": _security(one.roles),
        "parameters": parameters,
        "responses": _responses(one, schemas),
    }
    if one.inputs.body is not None:
        schema = schemas[one.name, "<body>", "validation"]
        made["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return made


def _security(roles: frozenset[Role]) -> list[dict[str, list[str]]]:
    if Role.ANYONE in roles:
        return []
    cookie: list[dict[str, list[str]]] = [{"cookie": []}] if roles.intersection(STAFF) else []
    return [{"bearer": []}, *cookie]


def _responses(one: Operation, schemas: Schemas) -> dict[str, dict[str, Any]]:
    success: dict[str, Any] = {"description": one.status.phrase}
    if one.out is not None:
        schema = schemas[one.name, "<out>", "serialization"]
        success["content"] = {one.out_type: {"schema": schema}}
    elif one.raw and one.status is not HTTPStatus.SWITCHING_PROTOCOLS:
        success["content"] = {one.out_type: {}}
    codes: dict[int, set[str]] = defaultdict(set)
    for error in (*one.errors, *_always(one)):
        if isinstance(error, int):
            codes[error].add("")
        else:
            codes[status_of(error)].add(error.code)
    problem = {CONTENT_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}
    responses = {str(int(one.status)): success}
    for status, some in sorted(codes.items()):
        named = ", ".join(sorted(filter(None, some)))
        description = named or HTTPStatus(status).phrase
        responses[str(int(status))] = {"description": description, "content": problem}
    responses["default"] = {"description": "any other problem", "content": problem}
    return responses


def _always(one: Operation) -> list[CanFail]:
    """Return what a route of this kind refuses without saying so."""
    errors: list[CanFail] = []
    if Role.ANYONE not in one.roles:
        errors += [LoginNeeded, RoleNotAllowed]
    if one.roles.intersection(STAFF) and _EXAM.intersection([*one.inputs.path, *one.inputs.query]):
        errors += [NotYourExam]
    if one.method in _UNSAFE:
        errors += [CrossSite]
    if one.inputs.path or one.inputs.query:
        errors += [InvalidInput]
    if one.inputs.body is not None:
        errors += [InvalidInput, NotJson, UnreadableBody, HTTPStatus.REQUEST_ENTITY_TOO_LARGE]
    return errors
