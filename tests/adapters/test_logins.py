from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from proctor.adapters.logins import SqlLogins
from proctor.services.logins import LoginStore
from tests.adapters.test_store import opened
from tests.services.login_store_contract import MINUTE, NOW, LoginStoreContract, account, login


@pytest.fixture
async def logins(tmp_path: Path) -> AsyncIterator[SqlLogins]:
    async with opened(tmp_path) as store:
        yield SqlLogins(store)


class TestSqlLogins(LoginStoreContract):
    @pytest.fixture
    async def store(self, logins: SqlLogins) -> LoginStore:
        return logins


async def test_a_revoked_login_comes_back_revoked_when_the_folder_is_opened_again(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as store:
        await SqlLogins(store).add_account(account())
        await SqlLogins(store).add_login(login())
        await SqlLogins(store).revoke("a" * 64, at=NOW + MINUTE)
    async with opened(tmp_path) as store:
        found = await SqlLogins(store).login("a" * 64)
        assert found is not None
        assert found.revoked_at == NOW + MINUTE


async def test_a_login_added_revoked_comes_back_revoked(logins: SqlLogins) -> None:

    await logins.add_account(account())
    revoked = replace(login(), revoked_at=NOW)
    await logins.add_login(revoked)
    assert await logins.login("a" * 64) == revoked
