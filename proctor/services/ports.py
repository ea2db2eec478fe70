"""What the services need of the outside.

Each docstring is a contract; `tests/adapters` holds every implementation to it.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from proctor.domain.document import DocumentRead
from proctor.domain.errors import Refusal
from proctor.domain.exam import Exam
from proctor.domain.flags import Flag
from proctor.domain.id_checks import IdReading
from proctor.domain.observation import Compared, Face, Measured, Observation
from proctor.domain.policy import Policy
from proctor.domain.session import ExamSession
from proctor.evidence.tree import Frontier

# Sessions listed together: more than one server has in a season. Lists say where there are more.
MAX_CASES = 10_000
# Of so many of them flags are read together: all that are found are in memory at the same time.
CASES_AT_ONCE = 200


class NotFound(Refusal):
    code = "not-found"

    def __init__(self, *, what: str, id: str) -> None:  # noqa: A002 - the fact's public name
        super().__init__(f"no {what} {id}")
        self.what = what
        self.id = id


class StorageFull(Refusal):
    """The disk is full, or writing failed. Nothing of what was asked was stored."""

    code = "storage-full"

    def __init__(self) -> None:
        super().__init__("the exam server can't store anything now; send it again later")


class Writes(StrEnum):
    """How writing goes."""

    WELL = "well"
    FAILING = "failing"  # the last write failed; the next may succeed
    ENDED = "ended"  # none will succeed until the server is started again


class Conflict(Exception):
    """Somebody else wrote first. Nothing was stored: load again, decide again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """An exam with its policy, as they were on the day they were published."""

    exam: Exam
    exam_sha256: str
    policy: Policy
    policy_sha256: str
    policy_body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A session as it is stored: its state, and the right edge of the server's log of it."""

    session: ExamSession
    log: Frontier
    version: int  # counts saves; a save names the one it was decided on


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device admitted to a session."""

    id: str
    session: str
    key: str  # VerifierKey.encode()
    kind: str  # "desktop" or "browser", as it says; "phone" where its link makes it one
    token_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """A batch that was verified: to be stored whole, or not at all.

    `first` must be the size of the device's log as stored, or the append is a `Conflict`.
    """

    session: str
    device: str
    first: int
    lines: tuple[bytes, ...]  # may be none: blobs alone
    frontier: Frontier  # with the lines in it
    receipt: bytes  # the cosigned note
    received_at: datetime
    # (SHA-256 in hex, bytes), each named by some record
    blobs: tuple[tuple[str, bytes | memoryview], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLog:
    """Where a device's log ends."""

    frontier: Frontier
    receipt: bytes  # for it; b"" while the log is empty
    heard_at: datetime | None  # when the last of it was received; None while the log is empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Lines that came together, and when the server took them."""

    first: int
    lines: tuple[bytes, ...]
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFace:
    """The face that an account last showed at a check-in in some programme."""

    session: str
    learner: str
    sha256: str  # of the picture, which is held
    account: str = ""  # as in `ExamSession`


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """Two sessions of different accounts in which one document, or one face, was shown."""

    why: Literal["same-document", "same-face"]
    session: str
    other: str
    value: float | None  # how alike the faces are, cosine; None for documents
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail to one person, with one text attached."""

    id: str  # the same for each try
    to: str = field(repr=False)
    at: datetime  # when it was written
    subject: str
    text: str
    attached_as: str
    attached: bytes  # UTF-8


class MailNotSent(Exception):
    """A mail was not sent. Says nothing of whom it was for."""

    def __init__(self, *, why: str, smtp: int | None = None, for_good: bool = False) -> None:
        super().__init__(why)
        self.why = why  # such as recipient-refused
        self.smtp = smtp  # the number that the mail server answered, where it did
        self.for_good = for_good  # another try would fail as well


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the server's time, aware UTC."""
        ...


class Store(Protocol):
    """Everything that is kept. Every method may run concurrently with every other.

    What a write returned is durable: it outlives a power cut (of `observe`, soon). A write that
    raised stored nothing.
    """

    def writes(self) -> Writes:
        """Tell how writing goes. It does not wait."""
        ...

    async def publish(
        self, exam_body: bytes, policy_body: bytes, *, images: Mapping[str, bytes] = ...
    ) -> Published:
        """Keep an exam, the images it names and its policy, by digest.

        Publishing the same again changes nothing.
        """
        ...

    async def exam_image(self, sha256: str) -> bytes:
        """Return an image of some exam. Raises NotFound."""
        ...

    async def exams(self) -> Sequence[tuple[Published, int]]:
        """Return the exams as last published, with how many sessions each has."""
        ...

    async def latest(self, exam_id: str) -> Published:
        """Return an exam as last published. Raises NotFound."""
        ...

    async def published(self, exam_sha256: str, policy_sha256: str) -> Published:
        """Return what a session was opened under. Raises NotFound."""
        ...

    async def create(
        self, session: ExamSession, *, join_sha256: str, lines: Sequence[bytes], email: str = ""
    ) -> Case:
        """Keep a new session, a key for its blobs, and the first lines of the server's log.

        `email` is where its receipt is mailed to; no other method but `email` gives it back.
        """
        ...

    async def email(self, session_id: str) -> str:
        """Return where a session's receipt is to be mailed to; "" where it is not. Or NotFound."""
        ...

    async def emails_kept(self) -> Sequence[str]:
        """Return the sessions of which an address is kept, by id."""
        ...

    async def forget_email(self, session_id: str, *, mailed: bool = False) -> None:
        """Delete a session's address, so that the file does not hold it either.

        `mailed` notes that the receipt went there.
        """
        ...

    async def receipt_mailed(self, session_id: str) -> bool:
        """Tell whether a session's receipt was mailed."""
        ...

    async def case(self, session_id: str) -> Case:
        """Return a session. Raises NotFound."""
        ...

    async def exam_of(self, session_id: str) -> str:
        """Return the id of a session's exam, and read no more of it. Raises NotFound."""
        ...

    async def save(
        self,
        case: Case,
        session: ExamSession,
        *,
        lines: Sequence[bytes] = (),
        device: Device | None = None,
        flags: Sequence[Flag] = (),
    ) -> Case:
        """Keep what was decided on `case`, in one transaction.

        Args:
            case: As it was loaded.
            session: Its new state.
            lines: To append to the server's log.
            device: To admit, or to give a new token.
            flags: Raised or grown; one of the same id is replaced.

        Raises:
            Conflict: The session was saved since `case` was loaded.
            StorageFull: Nothing was stored.
        """
        ...

    async def invited(self, join_sha256: str) -> str:
        """Return the session a join link was made for. Raises NotFound."""
        ...

    async def device_by_token(self, token_sha256: str) -> Device | None: ...

    async def devices(self, session_id: str) -> Sequence[Device]:
        """Return a session's devices, first admitted first."""
        ...

    async def unfinished(self, exam_id: str | None = None) -> Sequence[str]:
        """Return the sessions of one exam, or of all, that have not ended, by id."""
        ...

    async def cases(
        self,
        exams: str | frozenset[str] | None,
        *,
        most: int = MAX_CASES,
        after: Case | None = None,
    ) -> Sequence[Case]:
        """Return the sessions of an exam, of some, or of all, newest first; at most so many.

        Args:
            exams: Whose; None: of all.
            most: How many.
            after: Those that come after this one, which may be gone; None: from the newest on.
        """
        ...

    async def rehearsals(self, session_id: str) -> Sequence[Case]:
        """Return the practice sessions made for a session, newest first."""
        ...

    async def forget(self, session_id: str) -> None:
        """Delete all that is kept of a session, which holds no blob; nothing where there is none.

        For practice sessions: of one that counts everything is kept. Does nothing while it holds
        blobs, because their bytes are destroyed by `erase` alone.
        """
        ...

    async def append(self, append: Append) -> None:
        """Make a batch durable: blobs first, then records, tree and receipt in one transaction.

        Raises:
            Conflict: The device's log does not end at `append.first`.
            StorageFull: Nothing was stored.
        """
        ...

    async def device_log(self, session_id: str, device: str) -> DeviceLog: ...

    async def receipt_at(self, session_id: str, device: str, size: int) -> bytes | None:
        """Return the receipt given for a log of that size; None where none was."""
        ...

    async def received(self, session_id: str, device: str) -> Sequence[Received]:
        """Return all of a device's lines, oldest first."""
        ...

    async def server_lines(self, session_id: str) -> Sequence[bytes]:
        """Return the server's log of a session, oldest first."""
        ...

    async def held(self, session_id: str) -> Mapping[str, int]:
        """Return the blobs held: digest to size in bytes."""
        ...

    async def blob(self, session_id: str, sha256: str) -> bytes:
        """Return a blob's bytes. Raises NotFound, also where its key was destroyed."""
        ...

    def blobs(self, session_id: str) -> AsyncIterator[tuple[str, bytes]]:
        """Yield the blobs held, by digest in ascending order, one at a time."""
        ...

    async def holding(self) -> Sequence[str]:
        """Return the sessions that hold blobs, by id."""
        ...

    async def erase(self, session_id: str, digests: Collection[str]) -> None:
        """Destroy blobs; those that are not held are passed over.

        Their bytes are overwritten before they cease to be held, so that one that is not held is
        gone, and what a crash left half done is done by erasing again. With its last blob a
        session's key is destroyed; from then on it takes no batch any more (NotFound).

        Raises:
            StorageFull: The disk fails. Some may be destroyed.
        """
        ...

    async def observe(self, session_id: str, observation: Observation) -> None:
        """Keep an observation. The same snapshot's is replaced.

        Whoever reads finds it at once; durable it is soon. A crash until then leaves the snapshot
        without one, which is what says that it is to be looked at.

        Raises:
            StorageFull: It is not kept.
        """
        ...

    async def observations(self, session_id: str) -> Sequence[Observation]:
        """Return all observations of a session.

        Raises:
            StorageFull: Some that were taken by `observe` can't be written now, nor read.
        """
        ...

    async def observed(self, session_id: str) -> int:
        """Return how many snapshots of a session were looked at."""
        ...

    async def observed_of(self, sessions: Sequence[str]) -> Mapping[str, int]:
        """Return the same of each of many sessions, by id."""
        ...

    async def flags(self, session_id: str) -> Sequence[Flag]:
        """Return the flags raised, oldest first."""
        ...

    async def flags_of(self, sessions: Sequence[str]) -> Mapping[str, Sequence[Flag]]:
        """Return the same of each of many sessions, by id."""
        ...

    async def keep_reading(
        self,
        session_id: str,
        reading: IdReading,
        *,
        programme: str,
        at: datetime,
        found_as_before: bool = False,
    ) -> None:
        """Keep what a machine read at check-in, encrypted as pictures are; the one before goes.

        Of what tells the document from others (`Mrz.document`) a keyed hash is kept beside it. It
        can be compared with those of the same programme, and with no others. The number can't be
        had from it without the server's master key. Where it is `found_as_before`, other sessions
        go on finding the face and the document of the one before, if there was one.

        Raises:
            NotFound: The session's key was destroyed.
        """
        ...

    async def reading(self, session_id: str) -> IdReading | None:
        """Return what was read at check-in; None where nothing was, or it was forgotten."""
        ...

    async def documents_of_before(self) -> Sequence[str]:
        """Return the sessions whose document's hash is one that an earlier version made.

        It equals none of now, until the reading is kept once more.
        """
        ...

    async def same_document(self, session_id: str) -> Sequence[str]:
        """Return the other sessions of the programme in which the session's document is found."""
        ...

    async def faces(self, session_id: str, *, most: int) -> Sequence[ShownFace]:
        """Return whose faces the session's may be compared with, newest first.

        Those are the last ones of other accounts in its programme, while their pictures are held;
        nothing before its own reading is kept. Accounts are told apart by `account` where both
        have one, and else by the learner's name.
        """
        ...

    async def raise_same(self, raised: Raised) -> None:
        """Keep, for both sessions, that one document or face was shown in both; once."""
        ...

    async def raised(self, session_id: str) -> Sequence[Raised]:
        """Return what was raised of a session, as seen from it, oldest first."""
        ...

    async def forget_reading(self, session_id: str) -> None:
        """Delete what was read at check-in and the hash of the number, also from the file."""
        ...


class Vision(Protocol):
    """Looks at pictures, off the request path. Never raises for what a picture holds."""

    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        """Measure one picture. `stream` names the camera: changes are measured along it.

        Args:
            stream: The camera.
            jpeg: The picture.
            face: The face shown at check-in, a JPEG; None: nothing is compared with it. What is
                made of it is remembered in memory, while snapshots are compared with it.
            sample: Compare with it; else only where the count of faces or their place jumped.
        """
        ...

    async def compare(self, face: bytes, document: bytes, *, at: Face | None = None) -> Compared:
        """Compare the largest face of one picture with a face of another; neither is remembered.

        Args:
            face: The picture of a face.
            document: The other one.
            at: Which face of `document`, in its pixels: who holds a document up may be larger in
                its picture than the portrait. None: the largest.
        """
        ...

    async def closest(self, face: bytes, others: Sequence[bytes]) -> Sequence[float | None]:
        """Compare the largest face of a picture with those of at most 32 others.

        Returns:
            For each of `others` how alike the faces are, cosine, -1 to 1; None where it could not
            be compared. No template of any is kept, in no memory either.
        """
        ...

    async def close(self) -> None: ...


class DocumentReader(Protocol):
    """Reads pictures of ID documents, in a process of its own, one at a time.

    Never raises for what a picture holds.
    """

    async def read(self, picture: bytes) -> DocumentRead:
        """Return what is read in a picture; what could not be is said in `unavailable`."""
        ...

    async def close(self) -> None: ...


class Thumbnails(Protocol):
    """Makes sheets of small pictures. Never raises for what a picture holds."""

    async def sheet(self, pictures: Sequence[bytes | None]) -> bytes:
        """Return a JPEG of at most 60 pictures, ten in a row, each fitted into 96 x 72 pixels.

        None, or what can't be read, is black.
        """
        ...

    async def close(self) -> None: ...


class Mailer(Protocol):
    """Sends mail. May run concurrently; retries nothing."""

    async def send(self, mail: Mail) -> None:
        """Hand a mail to a server that takes the care of it. What returned was taken.

        Raises:
            MailNotSent: It was not, or nobody knows.
        """
        ...

    async def close(self) -> None: ...
