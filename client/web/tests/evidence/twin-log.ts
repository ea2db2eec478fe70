/**
 * The twin, driven from Python: tests/client/test_twin.py runs this under Node alone.
 *
 * One JSON object in, one out. Node strips the types, so neither this file nor what it imports may
 * use syntax that is more than types, such as parameter properties and enums.
 */

import { openRecords, seal, split } from "../../src/evidence/batch";
import { base64, fromBase64, fromHex, fromUtf8, hex, type Bytes } from "../../src/evidence/bytes";
import { EvidenceError } from "../../src/evidence/errors";
import { Fraction, readStrictly, type Json, type Writable } from "../../src/evidence/json";
import { KeyKind, SigningKey, VerifierKey } from "../../src/evidence/key";
import { Checkpoint, Note, openCheckpoint, signCheckpoint } from "../../src/evidence/note";
import { encode, parse, type BlobRef, type Kind } from "../../src/evidence/record";
import { Frontier, leafHash } from "../../src/evidence/tree";
import { verify } from "../../src/evidence/verify";

/** A log to be written. Facts come as JSON text, so that the order of their keys arrives. */
interface LogToWrite {
  session: string;
  device: string;
  origin: string;
  seed_hex: string;
  public_hex: string;
  records: { at_ms: number; kind: Kind; facts: string; blob: BlobRef | null }[];
  /** The batch carries the records from here on, and these blobs. */
  batch_from: number;
  blobs_base64: string[];
}

/** What Python asks. */
interface Asked {
  logs?: LogToWrite[];
  lines_base64?: string[];
  notes_base64?: { note: string; vkey: string; origin: string }[];
  bundles?: { base64: string; server_vkey: string | null }[];
}

// RFC 8410: what stands before the 32 secret bytes of an Ed25519 key in PKCS #8.
const PKCS8_HEAD = "302e020100300506032b657004220420";

async function writeLog(log: LogToWrite) {
  const { session, device, origin } = log;
  const key = await seededKey(log);
  const lines = log.records.map(({ facts, ...record }, seq) =>
    encode({ ...record, session, device, seq, facts: readStrictly(facts) as Map<string, Writable> }),
  );
  const before = new Frontier().extended(lines.slice(0, log.batch_from).map(leafHash));
  const frontier = new Frontier().extended(lines.map(leafHash));
  const blobs = log.blobs_base64.map(bytes);
  const sent = lines.slice(log.batch_from);
  const batch = await seal({ lines: sent, blobs, frontier, origin, key });
  const taken = await split(batch);
  const place = { session, device, origin, key: key.verifier };
  if (taken.note !== null) await openRecords({ ...taken, note: taken.note }, before, place);
  const checkpoint = new Checkpoint(origin, frontier.size, frontier.root());
  return {
    vkey: key.verifier.encode(),
    lines: lines.map(base64),
    root: hex(frontier.root()),
    edge: hex(frontier.toBytes()),
    checkpoint: base64(await signCheckpoint(checkpoint, key)),
    batch: base64(batch),
    blobs: taken.blobs.map(({ sha256 }) => sha256),
  };
}

/** The key that everyone has: no page ever imports one. */
async function seededKey({ device, seed_hex, public_hex }: LogToWrite): Promise<SigningKey> {
  const secret = fromHex(PKCS8_HEAD + seed_hex) ?? new Uint8Array();
  const raw = fromHex(public_hex) ?? new Uint8Array();
  const privateKey = await crypto.subtle.importKey("pkcs8", secret, "Ed25519", false, ["sign"]);
  const publicKey = await crypto.subtle.importKey("raw", raw, "Ed25519", true, ["verify"]);
  return SigningKey.of(device, { privateKey, publicKey });
}

function readLine(encoded: string) {
  const record = parse(bytes(encoded));
  return { ...record, facts: told(record.facts) };
}

async function readNote({ note, vkey, origin }: { note: string; vkey: string; origin: string }) {
  const key = VerifierKey.parse(vkey);
  if (key.kind !== KeyKind.ED25519) return null;
  const { size, root } = await openCheckpoint(Note.parse(bytes(note)), { key, origin });
  return { size, root: hex(root) };
}

/** A value as Python tells it, numbers with a fraction marked as such. */
function told(value: Json): unknown {
  if (value instanceof Fraction) return { "a fraction": value.value };
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, each]) => [key, told(each)]));
  }
  return Array.isArray(value) ? value.map(told) : value;
}

/** What came of it, or the code of the refusal. */
async function outcome(run: () => unknown): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof EvidenceError) return error.code;
    throw error;
  }
}

function bytes(encoded: string): Bytes {
  const found = fromBase64(encoded);
  if (found === null) throw new TypeError("not base64");
  return found;
}

async function each<Given>(given: Given[] | undefined, run: (one: Given) => unknown) {
  const found: unknown[] = [];
  for (const one of given ?? []) found.push(await outcome(() => run(one)));
  return found;
}

const chunks: Uint8Array[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
const asked = JSON.parse(fromUtf8(Buffer.concat(chunks)) ?? "") as Asked;
const answer = {
  logs: await each(asked.logs, writeLog),
  lines: await each(asked.lines_base64, readLine),
  notes: await each(asked.notes_base64, readNote),
  reports: await each(asked.bundles, ({ base64: encoded, server_vkey }) =>
    verify(bytes(encoded), {
      serverKey: server_vkey === null ? null : VerifierKey.parse(server_vkey),
    }),
  ),
};
process.stdout.write(JSON.stringify(answer));
