import asyncio

import argon2
import pytest

from proctor.adapters.passwords import Argon2Passwords
from proctor.services.logins import PasswordHasher

# The least that Argon2 takes: what is tested is the adapter, not the cost.
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse"


@pytest.fixture
def hasher() -> PasswordHasher:
    return Argon2Passwords(CHEAP)


async def test_a_hash_is_of_its_password_and_no_other(hasher: PasswordHasher) -> None:
    made = await hasher.hash(PASSWORD)
    assert PASSWORD not in made
    assert await hasher.verify(made, PASSWORD)
    assert not await hasher.verify(made, "correct horses")
    assert not await hasher.verify(made, "")


async def test_one_password_has_a_new_hash_each_time(hasher: PasswordHasher) -> None:
    assert await hasher.hash(PASSWORD) != await hasher.hash(PASSWORD)


@pytest.mark.parametrize(
    "password",
    [
        pytest.param(PASSWORD, id="any password"),
        pytest.param("a password of no account", id="that of the hash which is verified instead"),
    ],
)
async def test_no_account_has_a_password(hasher: PasswordHasher, password: str) -> None:
    assert not await hasher.verify(None, password)


@pytest.mark.parametrize("broken", ["", "no hash", "$argon2id$v=19$m=8,t=1,p=1$AAAA"])
async def test_a_hash_that_can_t_be_read_is_of_no_password(
    hasher: PasswordHasher, broken: str
) -> None:
    assert not await hasher.verify(broken, PASSWORD)


async def test_a_hash_is_dated_when_today_s_costs_more(hasher: PasswordHasher) -> None:
    made = await hasher.hash(PASSWORD)
    assert not hasher.is_dated(made)
    dearer = Argon2Passwords(argon2.PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    assert dearer.is_dated(made)
    assert await dearer.verify(made, PASSWORD)


async def test_hashing_leaves_the_loop_free() -> None:
    hasher = Argon2Passwords()  # at full cost: some 50 ms
    hashing = asyncio.create_task(hasher.hash(PASSWORD))
    turns = 0
    while not hashing.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 10
    assert (await hashing).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
