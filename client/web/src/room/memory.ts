/** What the log says was done, in this run of the page or in one before. */

import { fromUtf8, hex, type Bytes } from "../evidence/bytes";
import type { Kind } from "../evidence/record";
import { sha256 } from "../evidence/sha256";
import type { Written } from "./recorder";

/** The last answer to an item, and where it stands in the log. */
export interface Answered {
  readonly response: unknown;
  readonly seq: number;
  readonly sha256: string;
}

export class Memory {
  hello = false;
  submitted = false;
  /** Purposes of the pictures taken: "face", "document", "periodic", "file". */
  readonly pictures = new Set<string>();
  /** By item. */
  readonly answers = new Map<string, Answered>();

  /** Takes in a record that was just written. */
  take(kind: Kind, facts: { readonly [key: string]: unknown }, written: Written): void {
    const { seq, sha256: digest } = written;
    if (kind === "hello") this.hello = true;
    if (kind === "submission") this.submitted = true;
    if (kind === "snapshot") this.pictures.add(String(facts["purpose"]));
    if (kind === "answer") {
      const { item, response } = facts;
      this.answers.set(String(item), { response, seq, sha256: digest });
    }
  }

  /** Takes in a line of this log that was read again. */
  takeLine(kind: Kind, line: Bytes, { seq, at_ms }: { seq: number; at_ms: number }): void {
    const known = kind === "answer" || kind === "snapshot";
    const facts = known ? (JSON.parse(fromUtf8(line) ?? "{}") as Record<string, unknown>) : {};
    this.take(kind, facts, { seq, at_ms, sha256: kind === "answer" ? hex(sha256(line)) : "" });
  }
}
