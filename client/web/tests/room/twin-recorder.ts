/**
 * The browser's recorder, spool and outbox, driven from Python: tests/client/test_twin_room.py runs
 * this under Node alone, on a database in memory.
 *
 * One JSON object in, one out. Node strips the types, so neither this file nor what it imports may
 * use syntax that is more than types.
 */

import "fake-indexeddb/auto";
import { base64, fromBase64, fromHex, fromUtf8, type Bytes } from "../../src/evidence/bytes";
import { SigningKey } from "../../src/evidence/key";
import type { DeviceKind } from "../../src/evidence/record";
import { Outbox } from "../../src/room/outbox";
import { Recorder, type Facts } from "../../src/room/recorder";
import { openDatabase, Spool } from "../../src/room/spool";

/** What Python asks. */
interface Asked {
  session: string;
  device: string;
  origin: string;
  seed_hex: string;
  public_hex: string;
  records: { at_ms: number; kind: DeviceKind; facts: string; blob_base64: string | null }[];
}

// RFC 8410: what stands before the 32 secret bytes of an Ed25519 key in PKCS #8.
const PKCS8_HEAD = "302e020100300506032b657004220420";

function sure<Value>(value: Value | null): Value {
  if (value === null) throw new TypeError("not what Python should send");
  return value;
}

async function seededKey({ device, seed_hex, public_hex }: Asked): Promise<SigningKey> {
  const [secret, raw] = [sure(fromHex(PKCS8_HEAD + seed_hex)), sure(fromHex(public_hex))];
  const privateKey = await crypto.subtle.importKey("pkcs8", secret, "Ed25519", false, ["sign"]);
  const publicKey = await crypto.subtle.importKey("raw", raw, "Ed25519", true, ["verify"]);
  return SigningKey.of(device, { privateKey, publicKey });
}

async function messages(spool: Spool, key: SigningKey, origin: string): Promise<Bytes[]> {
  const outbox = new Outbox(spool, key, origin);
  outbox.begin({ size: 0, root: spool.frontierAt(0).root(), owed: new Set() });
  const packed: Bytes[] = [];
  for (let flight = outbox.plan(0); flight !== null; flight = outbox.plan(0)) {
    const message = await outbox.pack(flight);
    outbox.left(flight, 0);
    if (message !== null) packed.push(message);
  }
  return packed;
}

const chunks: Uint8Array[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
const asked = JSON.parse(fromUtf8(Buffer.concat(chunks)) ?? "") as Asked;
const { session, device, origin, records } = asked;
const place = { link: "l", holder: "h", session, device };
const spool = await Spool.open(await openDatabase(), place);
let now = 0;
const recorder = new Recorder(spool, () => now);
const written: unknown[] = [];
for (const { at_ms, kind, facts, blob_base64 } of records) {
  now = at_ms;
  const bytes = blob_base64 === null ? null : sure(fromBase64(blob_base64));
  const blob = bytes === null ? undefined : { bytes, type: "image/jpeg" };
  written.push(await recorder.write(kind, JSON.parse(facts) as Facts, blob));
}
const sent = await messages(spool, await seededKey(asked), origin);
// A page that is opened again must come to the same tree from what it kept.
const again = await Spool.open(await openDatabase(), place);
const answer = {
  written,
  lines: (await again.lines(0, again.size)).map(base64),
  root: base64(again.frontierAt(again.size).root()),
  messages: sent.map(base64),
};
process.stdout.write(JSON.stringify(answer));
