/**
 * What the exam server says, read with suspicion: joining, messages of the uplink, receipts.
 *
 * Only shapes are looked at here, and signatures; what to do about it is for the callers. With
 * `learner-api.ts` the twin of `client/proctor_client/wire.py`.
 */

import { problemOf, type ProblemError } from "../api";
import { equal, fromHex, hex, utf8, type Bytes } from "../evidence/bytes";
import { EvidenceError } from "../evidence/errors";
import { VerifierKey } from "../evidence/key";
import { cosignedAt, Note, onlySignedBy, openCheckpoint, openCosignature } from "../evidence/note";
import type { Joined, LearnerView } from "./learner-api";

/** Not what this version of the protocol says. */
export class NotUnderstood extends Error {
  override readonly name = "NotUnderstood";
}

/** A receipt is not what the server's key would have made for these records. */
export class ReceiptRefused extends Error {
  override readonly name = "ReceiptRefused";
}

/** The server's own log as it told of it. */
export interface ServerLog {
  readonly size: number;
  /** Hex. */
  readonly root: string;
}

export interface Welcome {
  readonly type: "welcome";
  readonly size: number;
  readonly root: Bytes;
  readonly owed: ReadonlySet<string>;
  readonly serverLog: ServerLog | null;
  /** Server time; null where it does not say. */
  readonly nowMs: number | null;
}

export interface ReceiptTold {
  readonly type: "receipt";
  readonly note: Bytes;
  readonly size: number;
  readonly owed: ReadonlySet<string>;
  readonly serverLog: ServerLog | null;
}

export type Message =
  | Welcome
  | ReceiptTold
  | { readonly type: "held"; readonly digests: ReadonlySet<string> }
  | { readonly type: "resume"; readonly size: number; readonly root: Bytes }
  | { readonly type: "problem"; readonly problem: ProblemError }
  | { readonly type: "session"; readonly view: LearnerView; readonly serverLog: ServerLog | null };

type Told = Readonly<Record<string, unknown>>;

/** One message of the uplink. Throws NotUnderstood: it is none. */
export function readMessage(text: string): Message {
  const told = fieldsOf(parsed(text));
  const { type } = told;
  const serverLog = serverLogOf(told["server_log"]);
  switch (type) {
    case "welcome": {
      const nowMs = typeof told["now_ms"] === "number" ? told["now_ms"] : null;
      return { type, ...sized(told), owed: digests(told["owed"]), serverLog, nowMs };
    }
    case "receipt": {
      const [note, size] = [utf8(text_(told["note"])), count(told["size"])];
      return { type, note, size, owed: digests(told["owed"]), serverLog };
    }
    case "held":
      return { type, digests: digests(told["sha256"]) };
    case "resume":
      return { type, ...sized(told) };
    case "problem": {
      const problem = fieldsOf(told["problem"]);
      return { type, problem: problemOf(count(problem["status"]), problem) };
    }
    case "session":
      return { type, view: viewOf(told["session"]), serverLog };
    default:
      throw new NotUnderstood(`a message of type ${String(type)}`);
  }
}

/** The session in an answer or a push. Throws NotUnderstood: it is none. */
export function viewOf(told: unknown): LearnerView {
  const view = fieldsOf(told);
  if (typeof view["state"] !== "string" || !Array.isArray(view["sections"])) {
    throw new NotUnderstood("no view of a session");
  }
  // Page and server are built from the same tree; the contract is tested on the server's side.
  return view as unknown as LearnerView;
}

/** The answer to joining, and the device's token. Throws NotUnderstood: another kind of server. */
export function readJoined(answer: string): { joined: Joined; deviceToken: string } {
  const told = fieldsOf(parsed(answer));
  const [keys, notice] = [told["server_keys"], told["notice"]];
  const exam = fieldsOf(told["exam"]);
  const capture = fieldsOf(told["capture"]);
  if (!Array.isArray(keys) || !Array.isArray(notice) || !Array.isArray(exam["sections"])) {
    throw new NotUnderstood("an answer to joining that is none");
  }
  try {
    const joined: Joined = {
      session: text_(told["session"]),
      device: text_(told["device"]),
      ...(typeof told["device_kind"] === "string" && { device_kind: told["device_kind"] }),
      origin: text_(told["origin"]),
      server_keys: keys.map((key) => VerifierKey.parse(text_(key))),
      exam: exam as unknown as Joined["exam"],
      policy_sha256: text_(told["policy_sha256"]),
      policy: fieldsOf(told["policy"]),
      notice: notice as Joined["notice"],
      capture: {
        snapshot_every_s: quantity(capture["snapshot_every_s"]),
        width: quantity(capture["width"]),
        height: quantity(capture["height"]),
        jpeg_quality: quantity(capture["jpeg_quality"]),
      },
    };
    return { joined, deviceToken: text_(told["device_token"]) };
  } catch (error) {
    if (error instanceof EvidenceError) throw new NotUnderstood(error.message);
    throw error;
  }
}

/** Whose receipt it has to be, and for what. */
export interface Expected {
  /** The device's. */
  readonly key: VerifierKey;
  /** Of the device's log. */
  readonly origin: string;
  /** One of these must have cosigned. */
  readonly serverKeys: readonly VerifierKey[];
  /** Of our log and tree, that it must state. */
  readonly size: number;
  readonly root: Bytes;
}

/** Verifies a receipt; the server's time in it, ms. Throws ReceiptRefused. */
export async function openReceipt(encoded: Bytes, expected: Expected): Promise<number> {
  const { key, origin, serverKeys, size, root } = expected;
  try {
    const note = Note.parse(encoded);
    const checkpoint = await openCheckpoint(note, { key, origin });
    const ids = note.signatures.map(({ keyId }) => hex(keyId));
    const serverKey = serverKeys.find(({ keyId }) => ids.includes(hex(keyId)));
    if (serverKey === undefined) throw new ReceiptRefused("no key of the exam server signed it");
    onlySignedBy(note, [key, serverKey]);
    const atS = await serverTime(note, serverKey);
    if (checkpoint.size !== size || !equal(checkpoint.root, root)) {
      throw new ReceiptRefused("it is for other records than were sent");
    }
    return 1000 * Number(atS);
  } catch (error) {
    if (error instanceof EvidenceError) throw new ReceiptRefused(error.message);
    throw error;
  }
}

/** The time in the server's line, s, which is verified where the browser can. */
async function serverTime(note: Note, serverKey: VerifierKey): Promise<bigint> {
  try {
    return await openCosignature(note, serverKey);
  } catch (error) {
    // A browser that signs with P-256 can't verify Ed25519. The receipt is kept as it came, and
    // whoever verifies the bundle verifies the line.
    if (!(error instanceof DOMException) || error.name !== "NotSupportedError") throw error;
    return cosignedAt(note, serverKey);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new NotUnderstood("no JSON");
  }
}

function fieldsOf(value: unknown): Told {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new NotUnderstood("no object");
  }
  return value as Told;
}

function sized(told: Told): { size: number; root: Bytes } {
  const root = fromHex(text_(told["root"]));
  if (root === null) throw new NotUnderstood("no root");
  return { size: count(told["size"]), root };
}

function serverLogOf(value: unknown): ServerLog | null {
  if (value === null || value === undefined) return null;
  const { size, root } = sized(fieldsOf(value));
  return { size, root: hex(root) };
}

function text_(value: unknown): string {
  if (typeof value !== "string") throw new NotUnderstood("no text");
  return value;
}

function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new NotUnderstood("no count");
  return value as number;
}

function quantity(value: unknown): number {
  if (typeof value !== "number" || !(value > 0)) throw new NotUnderstood("no quantity");
  return value;
}

function digests(value: unknown): ReadonlySet<string> {
  if (!Array.isArray(value)) throw new NotUnderstood("no list of digests");
  return new Set(value.map(text_));
}
