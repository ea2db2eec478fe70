"""The tables. Times are integer milliseconds since 1970 UTC; JSON is text.

A session is one row: its whole state, versioned, so that saving it is one compare-and-swap. What
only grows (lines, blobs, observations, flags) has rows of its own. A change here needs a migration
beside it; a test compares the two.
"""

from typing import ClassVar

from sqlmodel import Field, SQLModel


class ExamRow(SQLModel, table=True):
    __tablename__: ClassVar[str] = "exams"
    sha256: str = Field(primary_key=True)
    id: str = Field(index=True)
    policy_sha256: str
    published_at_ms: int
    body: bytes


class ExamImageRow(SQLModel, table=True):
    """What items show, named in an exam's body by its digest: as secret as the items."""

    __tablename__: ClassVar[str] = "exam_images"
    sha256: str = Field(primary_key=True)
    body: bytes


class PolicyRow(SQLModel, table=True):
    __tablename__: ClassVar[str] = "policies"
    sha256: str = Field(primary_key=True)
    id: str
    body: bytes


class SessionRow(SQLModel, table=True):
    __tablename__: ClassVar[str] = "sessions"
    id: str = Field(primary_key=True)
    exam: str = Field(index=True)
    state: str = Field(index=True)
    version: int
    made_at_ms: int
    join_sha256: str = Field(unique=True, index=True)
    log_size: int
    log_frontier: bytes
    body: str
    email: str = ""  # where the receipt is mailed to; beside the body, so that no bundle has it
    receipt_mailed: bool = False


class SessionKeyRow(SQLModel, table=True):
    """The key of a session's blobs, wrapped. Deleting the row destroys the pictures."""

    __tablename__: ClassVar[str] = "session_keys"
    session: str = Field(primary_key=True)
    wrapped: bytes


class DeviceRow(SQLModel, table=True):
    __tablename__: ClassVar[str] = "devices"
    session: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    place: int  # 0 for the first admitted
    key: str
    kind: str
    token_sha256: str = Field(unique=True, index=True)


class BatchRow(SQLModel, table=True):
    """Lines that came together, the tree with them in it, and the receipt given."""

    __tablename__: ClassVar[str] = "batches"
    session: str = Field(primary_key=True)
    device: str = Field(primary_key=True)
    first: int = Field(primary_key=True)
    size: int
    received_at_ms: int
    lines: bytes
    frontier: bytes
    receipt: bytes


class ServerLineRow(SQLModel, table=True):
    __tablename__: ClassVar[str] = "server_lines"
    session: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    line: bytes


class BlobRow(SQLModel, table=True):
    __tablename__: ClassVar[str] = "blobs"
    session: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)
    segment: int
    start: int
    size: int


class ObservationRow(SQLModel, table=True):
    __tablename__: ClassVar[str] = "observations"
    session: str = Field(primary_key=True)
    device: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    body: str


class FlagRow(SQLModel, table=True):
    __tablename__: ClassVar[str] = "flags"
    session: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    place: int
    body: str


class IdReadingRow(SQLModel, table=True):
    """What a machine read at check-in, encrypted under the session's key."""

    __tablename__: ClassVar[str] = "id_readings"
    session: str = Field(primary_key=True)
    programme: str = Field(index=True)
    at_ms: int
    face_sha256: str  # of the picture
    number_hmac: bytes | None = Field(default=None, index=True)  # keyed, for each programme apart
    sealed: bytes | None = None  # None once it was forgotten


class IdRaisedRow(SQLModel, table=True):
    """That a document or face was shown on two accounts: a row for each of the two sessions."""

    __tablename__: ClassVar[str] = "id_raised"
    session: str = Field(primary_key=True)
    other: str = Field(primary_key=True)
    why: str = Field(primary_key=True)
    value: float | None = None
    at_ms: int


class LookRow(SQLModel, table=True):
    """Who looked at what of a session, why, and how often within ten minutes."""

    __tablename__: ClassVar[str] = "looks"
    session: str = Field(primary_key=True)
    window: int = Field(primary_key=True)
    by: str = Field(primary_key=True)
    what: str = Field(primary_key=True)
    why: str = Field(primary_key=True)
    allowed: bool = Field(primary_key=True)
    at_ms: int
    until_ms: int
    count: int


class StaffRow(SQLModel, table=True):
    __tablename__: ClassVar[str] = "staff"
    name: str = Field(primary_key=True)
    role: str
    password_hash: str
    made_at_ms: int
    exams: str | None = None  # those that it is for, as a JSON list; NULL: every exam


class LoginRow(SQLModel, table=True):
    __tablename__: ClassVar[str] = "logins"
    token_sha256: str = Field(primary_key=True)
    name: str = Field(index=True)
    made_at_ms: int
    expires_at_ms: int
    revoked_at_ms: int | None = None


class LoginTryRow(SQLModel, table=True):
    __tablename__: ClassVar[str] = "login_tries"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(index=True)
    at_ms: int
