"""Why bytes are not believed.

EvidenceError
├── MalformedRecord         a line that is no record of version 1
├── MalformedNote           bytes that are no signed note, checkpoint or key
├── MalformedBatch          a message that is no batch
├── MalformedBundle         a file that is no bundle
├── BadSignature            a signature that its key did not make
├── Inconsistent            a proof or a root that does not follow from the tree
├── WrongOrigin             a checkpoint of another log
├── OutOfPlace              a record of another session, device or place in the log
├── Fork                    two signed histories of one size
└── BlobMismatch            bytes that are not what their name says
"""


class EvidenceError(Exception):
    """Bytes that can't be believed. `code` is public and permanent."""

    code = "evidence"


class MalformedRecord(EvidenceError):
    code = "malformed-record"


class MalformedNote(EvidenceError):
    code = "malformed-note"


class MalformedBatch(EvidenceError):
    code = "malformed-batch"


class MalformedBundle(EvidenceError):
    code = "malformed-bundle"


class BadSignature(EvidenceError):
    code = "bad-signature"


class Inconsistent(EvidenceError):
    code = "inconsistent"


class WrongOrigin(EvidenceError):
    code = "wrong-origin"


class OutOfPlace(EvidenceError):
    code = "out-of-place"


class Fork(EvidenceError):
    code = "fork"


class BlobMismatch(EvidenceError):
    code = "blob-mismatch"
