"""Export: all evidence of a session as one bundle that anyone can verify."""

from collections.abc import AsyncIterator, Sequence

from proctor.evidence.bundle import BLOBS, LOGS, POLICY, Facts, Packer
from proctor.evidence.note import Checkpoint, SigningKey, origin_of, sign_statement
from proctor.evidence.record import SERVER_DEVICE, parse
from proctor.evidence.tree import Frontier, leaf_hash
from proctor.services.cases import Cases
from proctor.services.journal import erased, milliseconds
from proctor.services.ports import NotFound, Store


class Export:
    def __init__(self, store: Store, cases: Cases, *, key: SigningKey, server: str) -> None:
        self._store = store
        self._cases = cases
        self._key = key
        self._server = server

    async def bundle(self, session_id: str) -> AsyncIterator[bytes]:
        """Yield a session's bundle, a member at a time.

        The logs are read first: what comes while the pictures are packed is for the next export.

        Raises:
            NotFound: There is no such session, or a picture of it was erased meanwhile.
            MalformedBundle: It is larger than a bundle can be.
        """
        await self._cases.settled(session_id)
        # Frozen, so that the logs fit together: no device can name a root of the server's log, and
        # no flag a snapshot, that is not read here.
        async with self._cases.frozen(session_id) as case:
            session = case.session
            server_lines = await self._store.server_lines(session_id)
            logs: list[tuple[str, bytes]] = []
            devices: dict[str, str] = {}
            named = _blobs(server_lines)  # files that the learner answered with
            for device in await self._store.devices(session_id):
                # The receipt first, and as many lines as it covers: more may be coming in.
                log = await self._store.device_log(session_id, device.id)
                if log.frontier.size == 0:
                    continue
                received = await self._store.received(session_id, device.id)
                lines = [line for batch in received for line in batch.lines][: log.frontier.size]
                devices[device.id] = device.key
                named.update(_blobs(lines))
                logs += _log(device.id, lines, log.receipt)
            held = (await self._store.held(session_id)).keys() & named
        published = await self._cases.published(session)
        now = self._cases.now()
        at_s = int(now.timestamp())
        tree = Frontier().extended(map(leaf_hash, server_lines))
        origin = origin_of(
            server=self._server, exam=session.exam, session=session_id, device=SERVER_DEVICE
        )
        text = Checkpoint(origin, tree.size, tree.root()).text()
        note = sign_statement(text, key=self._key, at_s=at_s)
        logs = [*_log(SERVER_DEVICE, server_lines, note), *logs]
        gone = erased(server_lines) & named - held
        facts = Facts(
            v=1,
            server=self._server,
            server_key=self._key.verifier.encode(),
            exam=session.exam,
            exam_sha256=session.exam_sha256,
            policy_sha256=session.policy_sha256,
            session=session_id,
            learner=session.learner,
            devices=devices,
            erased=tuple(sorted(gone)),
            missing=tuple(sorted(named - held - gone)),
            exported_at_ms=milliseconds(now),
        )
        packer = Packer(facts)
        yield packer.begin()
        for name, data in [(POLICY, published.policy_body), *logs]:
            yield packer.add(name, data)
        async for digest, blob in self._store.blobs(session_id):
            if digest in held:
                held.discard(digest)
                yield packer.add(BLOBS + digest, blob)
        if held:  # erased since the logs were read: sealed like this it would not verify
            raise NotFound(what="blob", id=min(held))
        yield packer.seal(self._key, at_s=at_s)


def _log(device: str, lines: Sequence[bytes], note: bytes) -> list[tuple[str, bytes]]:
    text = b"".join(line + b"\n" for line in lines)
    return [(f"{LOGS}{device}.jsonl", text), (f"{LOGS}{device}.checkpoint", note)]


def _blobs(lines: Sequence[bytes]) -> set[str]:
    return {record.blob.sha256 for record in map(parse, lines) if record.blob}
