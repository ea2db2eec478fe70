"""Retention: what the policy says is kept no longer is erased, and the log says so first.

The truth is in the rows: what is held, due and not yet gone is erased by this run or by the next.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from itertools import chain

from proctor.domain.flags import FlagClass
from proctor.domain.policy import Policy
from proctor.domain.retention import Holding, due, holding_of, kept_days
from proctor.domain.session import ENDED
from proctor.evidence.record import Kind, parse
from proctor.services.cases import Cases, unchanged
from proctor.services.journal import Entry, erased
from proctor.services.ports import StorageFull, Store

logger = logging.getLogger(__name__)

# Digests in one record: 34 KiB of the 64 that it may have.
MAX_ERASED_NAMED = 500


class Retention:
    def __init__(self, store: Store, cases: Cases, analysed: Callable[[str], bool]) -> None:
        """Take the parts.

        `analysed` tells whether the machine has looked at all of a session's pictures. Until then
        nobody knows whether one is evidence, so none is erased.
        """
        self._store = store
        self._cases = cases
        self._analysed = analysed
        # Sessions that had nothing to erase: what was due, and how many blobs were held.
        self._looked: dict[str, tuple[frozenset[Holding], int]] = {}

    async def run(self) -> int:
        """Erase what is due in all sessions, and return how many blobs that were.

        What can't be erased now is erased by the next run.
        """
        count = 0
        holding, known = await self._store.holding(), await self._store.emails_kept()
        for session_id in dict.fromkeys((*holding, *known)):
            try:
                count += await self.erase(session_id)
            except StorageFull:
                logger.warning("pictures not erased: nothing can be stored")
                break
            except Exception:
                logger.exception("pictures not erased", extra={"session": session_id})
        return count

    async def erase(self, session_id: str) -> int:
        """Erase what is due in one session, and return how many blobs that were.

        With its snapshots goes the address that its receipt was to be mailed to.

        1. What goes is chosen: due by the policy and not yet gone.
        2. The server's log says so. From here on the erasing is a fact, whatever crashes.
        3. Then it is done, with what an earlier run said and did not live to do.

        Raises:
            StorageFull: Nothing can be stored. What was not erased is by the next call.
        """
        session = (await self._store.case(session_id)).session
        if session.state not in ENDED:
            session = (await self._cases.settled(session_id)).session
        policy = (await self._cases.published(session)).policy
        flags = await self._store.flags(session_id)
        conduct = any(flag.flag_class is FlagClass.CONDUCT for flag in flags)
        what = due(session, policy, conduct_flags=conduct, now=self._cases.now())
        if Holding.SNAPSHOT in what and await self._store.email(session_id):
            await self._store.forget_email(session_id)
        # With the pictures of documents goes what was read in them.
        if Holding.DOCUMENT in what and await self._store.reading(session_id) is not None:
            await self._store.forget_reading(session_id)
        held = frozenset(await self._store.held(session_id))
        if self._looked.get(session_id) == (what, len(held)):
            return 0
        said = erased(await self._store.server_lines(session_id))
        chosen: dict[Holding, list[str]] = {}
        if what and self._analysed(session_id):
            for digest, holding in (await self._holdings(session_id)).items():
                if holding in what and digest in held - said:
                    chosen.setdefault(holding, []).append(digest)
        told = [entry for holding in chosen for entry in _told(chosen[holding], holding, policy)]
        if told:
            await self._cases.change(session_id, unchanged, by="clock", also=told)
        gone = (held & said).union(*chosen.values())
        if gone:
            await self._store.erase(session_id, gone)
            logger.info("pictures erased", extra={"session": session_id, "count": len(gone)})
        elif not what or self._analysed(session_id):
            self._looked[session_id] = (what, len(held))
        return len(gone)

    async def _holdings(self, session_id: str) -> Mapping[str, Holding]:
        """Return what each blob is that a session holds or a record of it names."""
        # What no record names goes, too: a file of an answer that was not kept after all.
        held = await self._store.held(session_id)
        purposes: dict[str, set[str]] = {digest: set() for digest in held}
        logs = [await self._store.server_lines(session_id)]
        for device in await self._store.devices(session_id):
            logs += [batch.lines for batch in await self._store.received(session_id, device.id)]
        for line in chain.from_iterable(logs):
            if b'"blob":{' not in line:
                continue
            record = parse(line)
            if record.blob is not None:
                purpose = str(record.facts.get("purpose", ""))
                purposes.setdefault(record.blob.sha256, set()).add(purpose)
        return {digest: holding_of(some) for digest, some in purposes.items()}


def _told(digests: Sequence[str], holding: Holding, policy: Policy) -> list[Entry]:
    name = "pictures of documents" if holding is Holding.DOCUMENT else "snapshots"
    why = f"{name} are kept {kept_days(policy)[holding]} days"
    ordered = sorted(digests)
    return [
        Entry(Kind.ERASED, {"sha256": ordered[at : at + MAX_ERASED_NAMED], "why": why})
        for at in range(0, len(ordered), MAX_ERASED_NAMED)
    ]
