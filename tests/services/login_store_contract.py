"""What each LoginStore does. Subclass it and give `store`:

class TestMemoryLoginStore(LoginStoreContract):
    @pytest.fixture
    async def store(self) -> LoginStore:
        return MemoryLoginStore()
"""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from proctor.services.logins import TRIES, Account, Login, LoginStore, NameTaken, StaffRole
from proctor.services.own_exams import OwnExams

NOW = datetime(2026, 6, 1, 9, 0, 0, 123000, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def account(
    name: str = "ada", *, role: StaffRole = StaffRole.PROCTOR, exams: OwnExams = None
) -> Account:
    return Account(name=name, role=role, exams=exams, password_hash=f"hash of {name}", made_at=NOW)


def login(
    token_sha256: str = "a" * 64,
    *,
    name: str = "ada",
    role: StaffRole = StaffRole.PROCTOR,
    exams: OwnExams = None,
    made_at: datetime = NOW,
) -> Login:
    return Login(
        token_sha256=token_sha256,
        name=name,
        role=role,
        exams=exams,
        made_at=made_at,
        expires_at=made_at + 60 * MINUTE,
    )


class LoginStoreContract:
    @pytest.fixture
    async def store(self) -> LoginStore:
        raise NotImplementedError

    async def test_an_account_comes_back_as_it_was_added(self, store: LoginStore) -> None:
        added = account("a.b@c_d-1", role=StaffRole.COURSE_TEAM)
        await store.add_account(added)
        assert await store.account(added.name) == added
        assert await store.account("other") is None

    async def test_an_account_is_for_every_exam_or_for_those_it_names(
        self, store: LoginStore
    ) -> None:
        for exams in (None, frozenset({"algebra"}), frozenset({"algebra", "b_2-C"})):
            added = account(f"ada{len(exams or ())}", exams=exams)
            await store.add_account(added)
            assert await store.account(added.name) == added

    async def test_exams_are_changed_of_one_account_and_back_to_every_one(
        self, store: LoginStore
    ) -> None:
        await store.add_account(account())
        await store.add_account(account("bob", exams=frozenset({"algebra"})))
        await store.set_exams("ada", frozenset({"statistics"}))
        await store.set_exams("nobody", frozenset({"statistics"}))
        assert await store.account("ada") == account(exams=frozenset({"statistics"}))
        assert await store.account("bob") == account("bob", exams=frozenset({"algebra"}))
        assert await store.account("nobody") is None
        await store.set_exams("bob", None)
        assert await store.account("bob") == account("bob")

    async def test_accounts_are_listed_by_name(self, store: LoginStore) -> None:
        assert list(await store.all_accounts()) == []
        added = [account("bob", exams=frozenset({"algebra"})), account("ada")]
        for each in added:
            await store.add_account(each)
        assert list(await store.all_accounts()) == added[::-1]

    async def test_a_name_can_be_taken_once(self, store: LoginStore) -> None:
        await store.add_account(account())
        with pytest.raises(NameTaken) as refused:
            await store.add_account(account(role=StaffRole.ADMINISTRATOR))
        assert refused.value.name == "ada"
        assert await store.account("ada") == account()

    async def test_a_new_password_replaces_only_that_account_s(self, store: LoginStore) -> None:
        await store.add_account(account())
        await store.add_account(account("bob"))
        await store.set_password("ada", "another hash")
        await store.set_password("nobody", "another hash")
        changed = await store.account("ada")
        assert changed is not None
        assert changed.password_hash == "another hash"
        assert await store.account("bob") == account("bob")
        assert await store.account("nobody") is None

    async def test_tries_are_those_before_this_one_oldest_first(self, store: LoginStore) -> None:
        since = NOW - 15 * MINUTE
        first = NOW - 2 * MINUTE
        assert list(await store.note_try("ada", at=first, since=since)) == []
        assert list(await store.note_try("ada", at=NOW - MINUTE, since=since)) == [first]
        assert list(await store.note_try("nobody", at=NOW, since=since)) == []
        held = await store.note_try("ada", at=NOW, since=since)
        assert list(held) == [first, NOW - MINUTE]

    async def test_a_try_at_since_counts_no_more(self, store: LoginStore) -> None:
        before = NOW - timedelta(milliseconds=1)
        await store.note_try("ada", at=NOW, since=before)
        held = await store.note_try("ada", at=NOW + MINUTE, since=before)
        assert list(held) == [NOW]
        held = await store.note_try("ada", at=NOW + 2 * MINUTE, since=NOW)
        assert list(held) == [NOW + MINUTE]

    async def test_tries_in_one_millisecond_all_count(self, store: LoginStore) -> None:
        for count in range(3):
            assert len(await store.note_try("ada", at=NOW, since=NOW - MINUTE)) == count

    async def test_no_more_tries_are_held_than_matter(self, store: LoginStore) -> None:
        ats = [NOW + n * timedelta(seconds=1) for n in range(TRIES + 5)]
        for at in ats:
            await store.note_try("ada", at=at, since=NOW - MINUTE)
        held = await store.note_try("ada", at=NOW + MINUTE, since=NOW - MINUTE)
        assert list(held) == ats[:TRIES]

    async def test_tries_at_once_are_each_seen_by_the_next(self, store: LoginStore) -> None:
        tries = [store.note_try("ada", at=NOW, since=NOW - MINUTE) for _ in range(TRIES + 5)]
        lengths = sorted(len(held) for held in await asyncio.gather(*tries))
        assert lengths == [*range(TRIES), *[TRIES] * 5]

    async def test_tries_are_forgotten_for_one_name(self, store: LoginStore) -> None:
        since = NOW - MINUTE
        await store.note_try("ada", at=NOW, since=since)
        await store.note_try("bob", at=NOW, since=since)
        await store.forget_tries("ada")
        assert list(await store.note_try("ada", at=NOW, since=since)) == []
        assert list(await store.note_try("bob", at=NOW, since=since)) == [NOW]

    async def test_a_login_comes_back_as_it_was_added(self, store: LoginStore) -> None:
        await store.add_account(account())
        await store.add_login(login())
        assert await store.login("a" * 64) == login()
        assert await store.login("b" * 64) is None

    async def test_a_login_has_the_role_of_its_account(self, store: LoginStore) -> None:
        await store.add_account(account(role=StaffRole.PROCTOR))
        await store.add_login(login(role=StaffRole.ADMINISTRATOR))
        held = await store.login("a" * 64)
        assert held is not None
        assert held.role is StaffRole.PROCTOR

    async def test_a_login_has_the_exams_of_its_account_as_they_are_now(
        self, store: LoginStore
    ) -> None:
        await store.add_account(account(exams=frozenset({"algebra"})))
        await store.add_login(login())
        held = []
        for exams in (frozenset({"statistics"}), None):
            found = await store.login("a" * 64)
            held.append(found and found.exams)
            await store.set_exams("ada", exams)
        found = await store.login("a" * 64)
        assert found is not None
        assert [*held, found.exams] == [frozenset({"algebra"}), frozenset({"statistics"}), None]

    async def test_a_login_still_holding_outlives_the_next_ones(self, store: LoginStore) -> None:
        await store.add_account(account())
        await store.add_login(login())
        await store.add_login(login("b" * 64, made_at=NOW + 59 * MINUTE))
        assert await store.login("a" * 64) == login()

    async def test_a_login_is_revoked_once(self, store: LoginStore) -> None:
        await store.add_account(account())
        await store.add_login(login())
        await store.add_login(login("b" * 64))
        await store.revoke("a" * 64, at=NOW + MINUTE)
        await store.revoke("a" * 64, at=NOW + 2 * MINUTE)
        await store.revoke("c" * 64, at=NOW + MINUTE)
        held = await store.login("a" * 64)
        assert held is not None
        assert held.revoked_at == NOW + MINUTE
        assert await store.login("b" * 64) == login("b" * 64)

    async def test_revoking_all_of_a_name_counts_those_not_yet_revoked(
        self, store: LoginStore
    ) -> None:
        await store.add_account(account())
        await store.add_account(account("bob"))
        for digit in "abc":
            await store.add_login(login(digit * 64))
        await store.add_login(login("d" * 64, name="bob"))
        await store.revoke("a" * 64, at=NOW + MINUTE)
        assert await store.revoke_all("ada", at=NOW + 2 * MINUTE) == 2
        assert await store.revoke_all("nobody", at=NOW + 2 * MINUTE) == 0
        held = [await store.login(digit * 64) for digit in "abcd"]
        assert [one and one.revoked_at for one in held] == [
            NOW + MINUTE,
            NOW + 2 * MINUTE,
            NOW + 2 * MINUTE,
            None,
        ]
