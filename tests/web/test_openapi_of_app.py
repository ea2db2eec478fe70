"""The document of the real application: valid, and true of what the server answers."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from proctor.services.logins import StaffRole
from tests.conftest import Server
from tests.device import Device

EXAMPLES = 10  # an operation, of what the document allows and of what it does not


async def document_of(server: Server) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession(server.url) as http,
        http.get("/api/v1/openapi.json") as response,
    ):
        found: dict[str, Any] = await response.json()
        return found


async def test_the_document_is_openapi(server: Server) -> None:
    document = await document_of(server)
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")


async def test_every_operation_says_what_it_does_and_what_it_refuses(server: Server) -> None:
    for path, methods in (await document_of(server))["paths"].items():
        for method, operation in methods.items():
            name = f"{method} {path}"
            assert operation["summary"], name
            assert operation["tags"], name
            assert "default" in operation["responses"], name


async def test_whatever_the_document_allows_is_answered_as_it_says(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Requests made up from the document over a real socket: none is a fault of ours."""
    invited = await server.invite()
    tokens: dict[str, str] = {}
    for role in StaffRole:
        client = await server.as_staff(role)
        tokens[str(role)] = client.headers["Authorization"]
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        joined = await device.join(invited["join_token"])
        tokens["learner"] = f"Bearer {joined['device_token']}"
    document = await document_of(server)
    names = {"session": invited["session"], "exam": "short", "section": "part-a"}
    with caplog.at_level(logging.ERROR):
        asked = await asyncio.to_thread(_ask, server.url, document, tokens, names)
    assert asked > EXAMPLES * len(document["paths"]) / 2
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in errors] == []


def _ask(url: str, document: dict[str, Any], tokens: dict[str, str], names: dict[str, str]) -> int:
    asked = 0
    with requests.Session() as http:
        for found in schemathesis.openapi.from_dict(document).get_all_operations():
            operation = found.ok()  # type: ignore[union-attr] # else it raises, as it should
            # The uplink is no HTTP, and who signs out takes the others' token.
            if operation.path != "/api/v1/uplink" and operation.method != "delete":
                role = operation.definition.raw["x-role"][0]
                headers = {} if role == "anyone" else {"Authorization": tokens[role]}
                for mode in GenerationMode:
                    made_up = operation.as_strategy(generation_mode=mode)
                    with suppress(Unsatisfiable):  # what takes nothing can't be asked wrongly
                        asked += _ask_one(made_up, url, http, headers, names)
    return asked


def _ask_one(
    strategy: Any, url: str, http: requests.Session, headers: dict[str, str], names: dict[str, str]
) -> int:
    asked = 0

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def ask(case: schemathesis.Case[Any]) -> None:
        nonlocal asked
        asked += 1
        if asked % 2:  # half of them reach what there is
            case.path_parameters |= {k: v for k, v in names.items() if k in case.path_parameters}
        response = case.call(base_url=url, session=http, headers=headers, timeout=60)
        case.validate_response(response, checks=CHECKS)

    ask()
    return asked


CHECKS: list[Callable[..., Any]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
