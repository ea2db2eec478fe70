/**
 * The only writer of this browser's log. Each record is durable before its call resolves. Blobs are
 * stored out of turn, so that an answer never waits for a picture.
 */

import { hex, type Bytes } from "../evidence/bytes";
import type { Writable } from "../evidence/json";
import { encode, type BlobRef, type DeviceKind } from "../evidence/record";
import { sha256 } from "../evidence/sha256";
import type { Spool } from "./spool";

/** Bytes to go with a record, at most 4 MiB. `type` is a media type, lower case. */
export interface Blob_ {
  readonly bytes: Bytes;
  readonly type: string;
}

/** A record that is durable. */
export interface Written {
  readonly seq: number;
  /** Of its line, hex. */
  readonly sha256: string;
  /** By the device's clock. */
  readonly at_ms: number;
}

export type Facts = { readonly [key: string]: Writable };

export class Recorder {
  readonly spool: Spool;
  readonly #nowMs: () => number;
  readonly #written: (kind: DeviceKind, facts: Facts, written: Written) => void;
  #turn: Promise<unknown> = Promise.resolve();

  /** `nowMs` is the device's clock; `written` is told of each record once it is durable. */
  constructor(
    spool: Spool,
    nowMs: () => number,
    written: (kind: DeviceKind, facts: Facts, written: Written) => void = () => {},
  ) {
    this.spool = spool;
    this.#nowMs = nowMs;
    this.#written = written;
  }

  /**
   * Adds a record to the log. `at_ms` is when it happened, by the device's clock; else it is now.
   *
   * Throws StorageFull, OtherTab, MalformedRecord (an answer that fits no record: over 64 KiB, or
   * half a surrogate pair): nothing was recorded.
   */
  async write(kind: DeviceKind, facts: Facts, blob?: Blob_, at_ms?: number): Promise<Written> {
    const happened = at_ms ?? this.#nowMs();
    let ref: BlobRef | null = null;
    if (blob !== undefined) {
      const limited = facts["purpose"] !== "file";
      const digest = await this.spool.storeBlob(blob.bytes, { limited });
      ref = { sha256: digest, type: blob.type, size: blob.bytes.length };
    }
    const writing = this.#turn.then(() => this.#append(kind, facts, ref, happened));
    this.#turn = writing.catch(() => {});
    try {
      return await writing;
    } catch (error) {
      if (ref !== null) await this.spool.forget(ref.sha256).catch(() => {});
      throw error;
    }
  }

  async #append(
    kind: DeviceKind,
    facts: Facts,
    blob: BlobRef | null,
    at_ms: number,
  ): Promise<Written> {
    const { spool } = this;
    const { session, device, size: seq } = spool;
    const line = encode({ session, device, seq, at_ms, kind, facts, blob });
    await spool.append(line, at_ms, blob);
    const written = { seq, sha256: hex(sha256(line)), at_ms };
    this.#written(kind, facts, written);
    return written;
  }
}
