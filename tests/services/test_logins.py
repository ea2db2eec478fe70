import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from proctor.services import logins
from proctor.services.logins import (
    TRIES,
    TRIES_WITHIN,
    BadAccount,
    BadLogin,
    LoginStore,
    NameTaken,
    SignedIn,
    StaffRole,
    TooManyLogins,
)
from proctor.services.own_exams import MAX_OWN_EXAMS, in_words
from tests.services.login_store_contract import LoginStoreContract
from tests.services.memory_logins import MemoryLoginStore, PlainHasher

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PASSWORD = "correct horse"


class TestMemoryLoginStore(LoginStoreContract):
    @pytest.fixture
    async def store(self) -> LoginStore:
        return MemoryLoginStore()


def token_factory() -> Callable[[], str]:
    made = iter(range(1000))
    return lambda: f"token-{next(made)}"


class Desk:
    """One staff account, ada, and what signs in to it."""

    def __init__(self) -> None:
        self.store = MemoryLoginStore()
        self.hasher = PlainHasher()
        self.tokens = token_factory()

    async def sign_in(
        self, password: str = PASSWORD, *, name: str = "ada", now: datetime = NOW
    ) -> SignedIn:
        return await logins.sign_in(
            self.store,
            self.hasher,
            name=name,
            password=password,
            now=now,
            token_factory=self.tokens,
        )


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    await logins.add_staff(
        desk.store,
        desk.hasher,
        name="ada",
        role=StaffRole.PROCTOR,
        password=PASSWORD,
        now=NOW,
    )
    return desk


async def test_a_login_holds_for_twelve_hours_and_not_an_instant_longer(desk: Desk) -> None:
    signed_in = await desk.sign_in()
    end = NOW + timedelta(hours=12)
    assert signed_in.login.expires_at == end
    last = await logins.who(desk.store, token=signed_in.token, now=end - SECOND / 1000)
    assert last == signed_in.login
    assert await logins.who(desk.store, token=signed_in.token, now=end) is None


async def test_the_store_never_sees_a_token(desk: Desk) -> None:
    signed_in = await desk.sign_in()
    assert signed_in.login.token_sha256 == hashlib.sha256(b"token-0").hexdigest()
    assert signed_in.token not in repr(desk.store.logins)
    assert signed_in.token not in repr(signed_in)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("token-1", id="one never made"),
        pytest.param("", id="an empty one"),
        pytest.param("token-0" * 100, id="one longer than any"),
        pytest.param("\udcff", id="half a surrogate pair"),
    ],
)
async def test_another_token_is_nobody_s(desk: Desk, token: str) -> None:
    await desk.sign_in()
    assert await logins.who(desk.store, token=token, now=NOW) is None


async def test_signing_out_ends_one_login_only(desk: Desk) -> None:
    first, second = await desk.sign_in(), await desk.sign_in()
    await logins.sign_out(desk.store, token=first.token, now=NOW + SECOND)
    await logins.sign_out(desk.store, token="never made", now=NOW + SECOND)
    assert await logins.who(desk.store, token=first.token, now=NOW + SECOND) is None
    assert await logins.who(desk.store, token=second.token, now=NOW + SECOND) == second.login


async def test_revoking_all_ends_every_login_of_the_name(desk: Desk) -> None:
    tokens = [(await desk.sign_in()).token for _ in range(3)]
    assert await logins.revoke_all(desk.store, name="ada", now=NOW + SECOND) == 3
    for token in tokens:
        assert await logins.who(desk.store, token=token, now=NOW + SECOND) is None


async def test_a_login_has_the_role_its_account_has_now(desk: Desk) -> None:
    signed_in = await desk.sign_in()
    account = desk.store.accounts["ada"]
    desk.store.accounts["ada"] = replace(account, role=StaffRole.COURSE_TEAM)
    held = await logins.who(desk.store, token=signed_in.token, now=NOW)
    assert held is not None
    assert held.role is StaffRole.COURSE_TEAM


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("ada", "correct horses", id="a wrong password"),
        pytest.param("bob", PASSWORD, id="an unknown name"),
    ],
)
async def test_a_wrong_name_and_a_wrong_password_look_alike_and_cost_alike(
    desk: Desk, name: str, password: str
) -> None:
    with pytest.raises(BadLogin) as refused:
        await desk.sign_in(password, name=name)
    assert str(refused.value) == str(BadLogin())
    assert refused.value.facts() == {}
    assert desk.hasher.verified == 1
    assert desk.store.logins == {}


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("Ada", PASSWORD, id="a name with a capital"),
        pytest.param("ada\n", PASSWORD, id="a name with a newline"),
        pytest.param("a" * 65, PASSWORD, id="a name too long"),
        pytest.param("ada", "x" * 257, id="a password too long"),
        pytest.param("ada", "half a pair \ud800", id="a password that is no text"),
    ],
)
async def test_what_no_account_can_have_is_refused_unhashed(
    desk: Desk, name: str, password: str
) -> None:
    with pytest.raises(BadLogin):
        await desk.sign_in(password, name=name)
    assert desk.hasher.verified == 0
    assert desk.store.tries == {}


@pytest.mark.parametrize("name", ["ada", pytest.param("bob", id="a name that is no account's")])
async def test_the_eleventh_try_must_wait_even_if_it_is_right(desk: Desk, name: str) -> None:
    for n in range(TRIES):
        with pytest.raises(BadLogin):
            await desk.sign_in("wrong password", name=name, now=NOW + n * SECOND)
    with pytest.raises(TooManyLogins) as refused:
        await desk.sign_in(name=name, now=NOW + TRIES * SECOND)
    assert refused.value.retry_at == NOW + TRIES_WITHIN
    assert desk.hasher.verified == TRIES


async def test_waiting_as_told_is_enough_though_one_kept_trying(desk: Desk) -> None:
    for n in range(TRIES):
        with pytest.raises(BadLogin):
            await desk.sign_in("wrong password", now=NOW + n * SECOND)
    retry_at = NOW + TRIES_WITHIN
    with pytest.raises(TooManyLogins):
        await desk.sign_in(now=retry_at - SECOND)
    assert (await desk.sign_in(now=retry_at)).login.made_at == retry_at


async def test_a_right_try_forgets_the_wrong_ones(desk: Desk) -> None:
    for _ in range(3):
        for _ in range(TRIES - 1):
            with pytest.raises(BadLogin):
                await desk.sign_in("wrong password")
        await desk.sign_in()


async def test_guesses_sent_at_once_are_no_more_than_those_sent_in_turn(desk: Desk) -> None:
    guesses = (desk.sign_in(f"wrong password {n}") for n in range(5 * TRIES))
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(one, BadLogin) for one in answers) == TRIES
    assert sum(isinstance(one, TooManyLogins) for one in answers) == 4 * TRIES


def test_the_wait_ends_when_the_oldest_try_that_matters_is_old() -> None:
    tries = [NOW + n * SECOND for n in range(TRIES + 2)]
    assert logins.blocked_until(tries[: TRIES - 1]) is None
    assert logins.blocked_until(tries[:TRIES]) == NOW + TRIES_WITHIN
    assert logins.blocked_until(tries) == NOW + 2 * SECOND + TRIES_WITHIN


async def test_a_dated_hash_is_renewed_at_sign_in(desk: Desk) -> None:
    desk.hasher.version = "v3"
    await desk.sign_in()
    assert desk.store.accounts["ada"].password_hash == f"v3:{PASSWORD}"


async def test_a_letter_is_the_same_however_the_keyboard_makes_it(desk: Desk) -> None:
    await logins.add_staff(
        desk.store,
        desk.hasher,
        name="zoe",
        role=StaffRole.PROCTOR,
        password="zoe\N{COMBINING DIAERESIS} 123456",
        now=NOW,
    )
    typed = "zo\N{LATIN SMALL LETTER E WITH DIAERESIS} 123456"
    assert (await desk.sign_in(typed, name="zoe")).login.name == "zoe"


@pytest.mark.parametrize(
    ("name", "password", "possible"),
    [
        pytest.param("a.b@c_d-9", "x" * 10, True, id="the shortest password"),
        pytest.param("b" * 64, "x" * 256, True, id="the longest name and password"),
        pytest.param("bob", "x" * 9, False, id="a password too short"),
        pytest.param("bob", "x" * 257, False, id="a password too long"),
        pytest.param("bob", "\udc80" * 10, False, id="a password that is no text"),
        pytest.param("", "x" * 10, False, id="no name"),
        pytest.param("b" * 65, "x" * 10, False, id="a name too long"),
        pytest.param("b b", "x" * 10, False, id="a name with a space"),
    ],
)
async def test_an_account_has_a_possible_name_and_password(
    desk: Desk, name: str, password: str, possible: bool
) -> None:
    adding = logins.add_staff(
        desk.store,
        desk.hasher,
        name=name,
        role=StaffRole.PROCTOR,
        password=password,
        now=NOW,
    )
    if possible:
        assert (await adding).name == name
        assert (await desk.sign_in(password, name=name)).login.name == name
    else:
        with pytest.raises(BadAccount) as refused:
            await adding
        assert "xxxx" not in str(refused.value)
        assert list(desk.store.accounts) == ["ada"]


async def test_a_second_account_of_one_name_is_refused(desk: Desk) -> None:
    with pytest.raises(NameTaken):
        await logins.add_staff(
            desk.store,
            desk.hasher,
            name="ada",
            role=StaffRole.ADMINISTRATOR,
            password="another password",
            now=NOW,
        )
    assert desk.store.accounts["ada"].role is StaffRole.PROCTOR


async def test_nobody_signs_in_to_a_closed_account_until_it_has_a_new_password(desk: Desk) -> None:
    signed_in = await desk.sign_in()

    await logins.close_account(desk.store, name="ada", now=NOW)

    assert await logins.who(desk.store, token=signed_in.token, now=NOW + SECOND) is None
    with pytest.raises(BadLogin):
        await desk.sign_in()
    another = "another long one"
    await logins.set_password(desk.store, desk.hasher, name="ada", password=another, now=NOW)
    assert (await desk.sign_in(another)).login.name == "ada"


async def test_a_new_password_ends_the_logins_made_with_the_old_one(desk: Desk) -> None:
    signed_in = await desk.sign_in()

    another = "another long one"
    await logins.set_password(desk.store, desk.hasher, name="ada", password=another, now=NOW)

    assert await logins.who(desk.store, token=signed_in.token, now=NOW + SECOND) is None
    with pytest.raises(BadLogin):
        await desk.sign_in()


async def test_an_account_that_is_not_there_can_t_be_changed(desk: Desk) -> None:
    with pytest.raises(BadAccount, match="no account eve"):
        await logins.close_account(desk.store, name="eve", now=NOW)
    with pytest.raises(BadAccount, match="no account eve"):
        await logins.set_password(desk.store, desk.hasher, name="eve", password=PASSWORD, now=NOW)


async def test_whoever_signs_in_while_the_account_is_closed_gets_no_login(desk: Desk) -> None:
    class ClosesMeanwhile(PlainHasher):
        async def verify(self, password_hash: str | None, password: str) -> bool:
            matches = await super().verify(password_hash, password)
            await logins.close_account(desk.store, name="ada", now=NOW)
            return matches

    desk.hasher = ClosesMeanwhile()
    with pytest.raises(BadLogin):
        await desk.sign_in()
    assert await desk.store.revoke_all("ada", at=NOW + SECOND) == 0


# --- whose exams ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exams", "word"),
    [
        pytest.param(frozenset(), "one exam at least", id="none"),
        pytest.param(frozenset({"algebra", "algbera"}), "no exam algbera", id="one mistyped"),
        pytest.param(
            frozenset(f"e{n}" for n in range(MAX_OWN_EXAMS + 1)), "at most", id="too many"
        ),
    ],
)
async def test_exams_that_are_none_are_refused_and_nothing_is_changed(
    desk: Desk, exams: frozenset[str], word: str
) -> None:
    for change in (
        logins.set_exams(desk.store, name="ada", exams=exams, published=["statistics", "algebra"]),
        logins.add_staff(
            desk.store,
            desk.hasher,
            name="bob",
            role=StaffRole.PROCTOR,
            password=PASSWORD,
            now=NOW,
            exams=exams,
            published=["statistics", "algebra"],
        ),
    ):
        with pytest.raises(BadAccount, match=word):
            await change
    assert list(desk.store.accounts) == ["ada"]
    assert desk.store.accounts["ada"].exams is None


async def test_a_mistyped_exam_is_refused_with_those_that_there_are(desk: Desk) -> None:
    with pytest.raises(BadAccount, match=r"published: algebra, statistics"):
        await logins.set_exams(
            desk.store, name="ada", exams=frozenset({"x"}), published=["statistics", "algebra"]
        )
    with pytest.raises(BadAccount, match="none yet"):
        await logins.set_exams(desk.store, name="ada", exams=frozenset({"x"}), published=[])


async def test_an_account_that_is_none_is_given_no_exams(desk: Desk) -> None:
    with pytest.raises(BadAccount, match="nobody"):
        await logins.set_exams(desk.store, name="nobody", exams=None, published=[])


async def test_who_is_signed_in_is_for_the_exams_of_the_account_as_they_are_now(
    desk: Desk,
) -> None:
    signed_in = await desk.sign_in()
    assert signed_in.login.exams is None
    own = frozenset({"algebra"})
    await logins.set_exams(desk.store, name="ada", exams=own, published=["algebra"])
    found = await logins.who(desk.store, token=signed_in.token, now=NOW)
    assert found is not None
    assert found.exams == own
    assert (await desk.sign_in()).login.exams == own


def test_exams_are_said_in_words() -> None:
    assert in_words(None) == "every exam"
    assert in_words(frozenset({"statistics", "algebra"})) == "algebra, statistics"
