/**
 * Why bytes are not believed. The codes are those of `proctor/evidence/errors.py`.
 *
 *     EvidenceError
 *     ├── MalformedRecord         a line that is no record of version 1
 *     ├── MalformedNote           bytes that are no signed note, checkpoint or key
 *     ├── MalformedBatch          a message that is no batch
 *     ├── MalformedBundle         a file that is no bundle
 *     ├── BadSignature            a signature that its key did not make
 *     ├── Inconsistent            a proof or a root that does not follow from the tree
 *     ├── WrongOrigin             a checkpoint of another log
 *     ├── OutOfPlace              a record of another session, device or place in the log
 *     ├── Fork                    two signed histories of one size
 *     └── BlobMismatch            bytes that are not what their name says
 */

/** Bytes that can't be believed. `code` is public and permanent. */
export abstract class EvidenceError extends Error {
  abstract readonly code: string;
}

export class MalformedRecord extends EvidenceError {
  readonly code = "malformed-record";
}

export class MalformedNote extends EvidenceError {
  readonly code = "malformed-note";
}

export class MalformedBatch extends EvidenceError {
  readonly code = "malformed-batch";
}

export class MalformedBundle extends EvidenceError {
  readonly code = "malformed-bundle";
}

export class BadSignature extends EvidenceError {
  readonly code = "bad-signature";
}

export class Inconsistent extends EvidenceError {
  readonly code = "inconsistent";
}

export class WrongOrigin extends EvidenceError {
  readonly code = "wrong-origin";
}

export class OutOfPlace extends EvidenceError {
  readonly code = "out-of-place";
}

export class Fork extends EvidenceError {
  readonly code = "fork";
}

export class BlobMismatch extends EvidenceError {
  readonly code = "blob-mismatch";
}
