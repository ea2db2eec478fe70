"""Passwords hashed with Argon2id, in threads."""

import asyncio

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

# Each hash takes 64 MiB and a core for some 50 ms: more at once would only starve the exams.
_AT_ONCE = 2


class Argon2Passwords:
    """A `services.logins.PasswordHasher` with the parameters of RFC 9106, section 4, second choice.

    Args:
        hasher: Other parameters, for tests.
    """

    def __init__(self, hasher: argon2.PasswordHasher | None = None) -> None:
        self._hasher = argon2.PasswordHasher() if hasher is None else hasher
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        async with self._at_once:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        async with self._at_once:
            return await asyncio.to_thread(self._verify, password_hash, password)

    def is_dated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str | None, password: str) -> bool:
        if self._decoy is None:
            # Made for whoever asks first, known name or not, so that the delay tells nothing.
            self._decoy = self._hasher.hash("a password of no account")
        try:
            self._hasher.verify(self._decoy if password_hash is None else password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None
