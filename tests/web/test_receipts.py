"""A receipt by mail, from a real server through a real socket; and where the address never is."""

import json
import logging
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proctor.adapters.mail import MailSettings, SmtpMailer, Tls
from proctor.evidence.note import Note, VerifierKey, open_cosignature
from proctor.services.logins import StaffRole
from tests.conftest import OpenServer, Server, analysed, until
from tests.device import Device
from tests.smtp_server import PASSWORD, USER, SmtpServer, certificate, smtp

TO = "ada.lovelace@example.edu"
DAY_S = 86_400


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    file.chmod(0o600)
    return file


def mailer_of(server: SmtpServer, password: Path, believing: ssl.SSLContext) -> SmtpMailer:
    settings = MailSettings(
        host="127.0.0.1",
        port=server.port,
        tls=Tls(server.tls),
        sender="exams@example.edu",
        user=USER,
        password_file=password,
    )
    return SmtpMailer(settings, tls=believing, step_s=5)


async def sat(server: Server, email: str = TO) -> tuple[dict[str, Any], Device]:
    """Have a learner sit the exam and hand in."""
    invited = await server.invite(email=email)
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        await device.check_in()
        await device.open("part-a")
        await device.answer("part-a", "two-dice", "c")
        assert (await device.submit())["state"] == "submitted"
    return invited, device


async def outcome(server: Server, device: Device) -> dict[str, Any]:
    async with aiohttp.ClientSession(server.url) as device.http:
        told: dict[str, Any] = await device.call("GET", "/api/v1/session/outcome")
        return told


async def test_who_handed_in_gets_the_receipt_and_the_page_may_say_so(
    open_server: OpenServer, tmp_path: Path, password: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    context, believing = certificate(tmp_path, "127.0.0.1")
    async with smtp(SmtpServer(context=context)) as post:
        mailer = mailer_of(post, password, believing)
        server = await open_server(mailer=mailer)
        invited, device = await sat(server)

        async def mailed() -> bool:
            return bool((await outcome(server, device))["receipt_mailed"])

        await until(mailed)
        await mailer.close()
    (mail,) = post.mails
    (attached,) = mail.iter_attachments()
    receipt = attached.get_payload(decode=True)
    assert isinstance(receipt, bytes)
    server_key = VerifierKey.parse(device.joined["server_keys"][0])
    open_cosignature(Note.parse(receipt), server_key)
    assert receipt.startswith(device.joined["origin"].encode())

    session = invited["session"]
    proctor = await server.as_staff(StaffRole.PROCTOR)
    told = [json.dumps(await analysed(proctor, f"/api/v1/sessions/{session}")).encode()]
    for role, path in (
        (StaffRole.PROCTOR, "/api/v1/reviews"),
        (StaffRole.PROCTOR, f"/api/v1/sessions/{session}"),
        (StaffRole.PROCTOR, f"/api/v1/sessions/{session}/bundle"),
        (StaffRole.COURSE_TEAM, "/api/v1/exams"),
        (StaffRole.COURSE_TEAM, "/api/v1/exams/short/readiness"),
        (StaffRole.ADMINISTRATOR, "/metrics"),
    ):
        async with (await server.as_staff(role)).get(path) as response:
            assert response.status == 200
            told.append(await response.read())
    told += [json.dumps(invited).encode(), *await server.store.server_lines(session)]
    told.append((caplog.text + repr([vars(each) for each in caplog.records])).encode())
    assert [each[:80] for each in told if TO.encode() in each] == []


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"away": True}, id="away"),
        pytest.param({"refuses": {TO: 550}}, id="refuses the recipient"),
        pytest.param({"silent_at": "greeting"}, id="slow"),
        pytest.param({"password": "another"}, id="has another password"),
    ],
)
async def test_a_mail_server_that_fails_does_not_fail_the_hand_in(
    open_server: OpenServer,
    tmp_path: Path,
    password: Path,
    caplog: pytest.LogCaptureFixture,
    wrong: dict[str, Any],
) -> None:
    context, believing = certificate(tmp_path, "127.0.0.1")
    password.write_text(wrong.get("password", PASSWORD))  # noqa: ASYNC240 - before anybody waits
    fails = {key: wrong[key] for key in wrong if key in {"refuses", "silent_at"}}
    async with smtp(SmtpServer(context=context, **fails)) as post:
        if wrong.get("away"):
            post.port = 1  # on which nobody listens
        mailer = mailer_of(post, password, believing)
        server = await open_server(mailer=mailer)
        _, device = await sat(server)
        assert not (await outcome(server, device))["receipt_mailed"]
        if not post.silent_at:

            async def told() -> bool:
                return "receipt not mailed" in caplog.text

            await until(told)
            assert not (await outcome(server, device))["receipt_mailed"]
        assert TO not in caplog.text + repr([vars(each) for each in caplog.records])
    await mailer.close()
    assert post.mails == []


async def test_without_mail_nothing_is_promised(server: Server) -> None:
    invited, device = await sat(server)
    assert (await outcome(server, device))["receipt_mailed"] is False
    assert await server.store.email(invited["session"]) == TO


@pytest.mark.parametrize("email", ["ada", "a@b, c@d", "a@b\nBcc: c@d", "a" * 300 + "@b.c"])
async def test_an_address_that_is_none_is_refused(server: Server, email: str) -> None:
    team = await server.as_staff(StaffRole.COURSE_TEAM)
    body = {"learner": "Ada", "email": email}
    async with team.post("/api/v1/exams/short/sessions", json=body) as response:
        assert response.status in {400, 422}
        assert json.dumps(email)[1:-1] not in (await response.text()).replace("email", "")
    assert await server.store.emails_kept() == []


async def test_an_address_goes_with_the_pictures(
    open_server: OpenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor.web.app.RETAIN_EVERY_S", 0.02)
    server = await open_server()
    proctor = await server.as_staff(StaffRole.PROCTOR)
    invited, _ = await sat(server)
    absent, waits = await server.invite(email=TO), await server.invite(email=TO)
    await server.terminate(absent["session"])
    await analysed(proctor, f"/api/v1/sessions/{invited['session']}")

    async def kept() -> set[str]:
        return set(await server.store.emails_kept())

    server.clock.pass_(90 * DAY_S - 60)
    await until(lambda: _has_run(server, invited["session"]))
    assert len(await kept()) == 3
    server.clock.pass_(120)

    async def gone() -> bool:
        return await kept() == {waits["session"]}  # which has not ended

    await until(gone)


async def _has_run(server: Server, session: str) -> bool:
    """Tell whether the picture of the document, which is due first, was erased."""
    return len(await server.store.held(session)) == 1
