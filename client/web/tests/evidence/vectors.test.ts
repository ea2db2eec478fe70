/** The files that Python reads too: each case is taken or refused as it says. */

import { describe, expect, it } from "vitest";
import { checkNamed, openRecords, split, type NamedBlob } from "../../src/evidence/batch";
import { fromUtf8, hex, utf8, type Bytes } from "../../src/evidence/bytes";
import { Fork } from "../../src/evidence/errors";
import { VerifierKey } from "../../src/evidence/key";
import { isFork, Note, onlySignedBy, openCheckpoint, openCosignature } from "../../src/evidence/note";
import { parseInPlace, type BlobRef } from "../../src/evidence/record";
import {
  Frontier,
  leafHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from "../../src/evidence/tree";
import { verify } from "../../src/evidence/verify";
import { codeOf, ofBase64, ofHex, plain, sure, vectors } from "./made";

interface Case {
  name: string;
  accept: boolean;
  error?: string;
}

/** Each case of a file as a test of its own. */
function each<Fields extends Case>(topic: string, check: (found: Fields) => Promise<void> | void) {
  it.each(vectors<Fields>(topic).map((found) => [found.name, found] as const))(
    `${topic}: %s`,
    async (_, found) => {
      expect(await codeOf(() => check(found))).toBe(found.accept ? null : found.error);
    },
  );
}

interface TreeCase extends Case {
  check: "root" | "inclusion" | "consistency";
  leaves: string[];
  root: string;
  leaf_hash: string;
  index: number;
  size: number;
  old_size: number;
  old_root: string;
  proof: string[];
}

describe("the vectors", () => {
  each<TreeCase>("tree", (found) => {
    if (found.check === "root") {
      expect(hex(rootOf(found.leaves.map((leaf) => leafHash(ofHex(leaf)))))).toBe(found.root);
      return;
    }
    const [root, proof, size] = [ofHex(found.root), found.proof.map(ofHex), found.size];
    if (found.check === "inclusion") {
      verifyInclusion({ leaf: ofHex(found.leaf_hash), index: found.index, size, root, proof });
    } else {
      const [oldSize, oldRoot] = [found.old_size, ofHex(found.old_root)];
      verifyConsistency({ oldSize, oldRoot, size, root, proof });
    }
  });

  each<NoteCase>("note", checkNote);

  each<RecordCase>("record", (found) => {
    const line =
      found.line_base64 === undefined
        ? utf8(found.line ?? sure(found.line_runs).map(([text, n]) => text.repeat(n)).join(""))
        : ofBase64(found.line_base64);
    const record = parseInPlace(line, found);
    const { at_ms, kind, blob } = found;
    expect(record).toMatchObject({ at_ms, kind, blob });
    if (found.facts !== undefined) expect(plain(record.facts)).toEqual(found.facts);
  });

  each<BatchCase>("batch", async (found) => {
    const { session, device, origin } = found;
    const before = Frontier.fromBytes(found.before.size, ofHex(found.before.edge));
    const batch = await split(ofBase64(found.message_base64));
    const sizes = new Map(Object.entries(found.owed));
    let after = before;
    if (batch.note !== null) {
      const log = { session, device, origin, key: VerifierKey.parse(found.vkey) };
      const opened = await openRecords({ ...batch, note: batch.note }, before, log);
      for (const { blob } of opened.records) if (blob) sizes.set(blob.sha256, blob.size);
      after = opened.frontier;
    }
    checkNamed(batch.blobs, sizes);
    expect({ size: after.size, root: hex(after.root()) }).toEqual(found.after);
    expect(batch.blobs.map(({ sha256 }: NamedBlob) => sha256)).toEqual(found.blobs);
  });

  it.each(vectors<BundleCase>("bundle").map((found) => [found.name, found] as const))(
    "bundle: %s",
    async (_, found) => {
      const serverKey = found.server_vkey === null ? null : VerifierKey.parse(found.server_vkey);
      const report = await verify(ofBase64(found.bundle_base64), { serverKey });
      expect(report.holds).toBe(found.accept);
      const last = sure(report.steps.at(-1));
      expect(report.steps.length + report.not_tried.length).toBe(9);
      if (found.accept) return;
      const { number: failed_step, device, record } = last;
      expect({ failed_step, device, record }, last.detail).toEqual({
        failed_step: found.failed_step,
        device: found.device,
        record: found.record,
      });
    },
  );
});

interface NoteCase extends Case {
  check: "key" | "signature" | "checkpoint" | "receipt" | "fork";
  vkey: string;
  key_name: string;
  key_id: string;
  server_vkey: string;
  origin: string;
  note?: string;
  note_base64: string;
  notes: string[];
  size: number;
  root: string;
  at_s: number;
}

async function checkNote(found: NoteCase): Promise<void> {
  const key = VerifierKey.parse(found.vkey);
  const { check, origin } = found;
  if (check === "key") {
    expect(key.encode()).toBe(found.vkey);
    expect([key.name, hex(key.keyId)]).toEqual([found.key_name, found.key_id]);
    return;
  }
  if (check === "fork") {
    const open = (text: string) => openCheckpoint(Note.parse(utf8(text)), { key, origin });
    const [one, other] = [await open(sure(found.notes[0])), await open(sure(found.notes[1]))];
    if (isFork(one, other)) throw new Fork();
    return;
  }
  const bytes: Bytes = found.note === undefined ? ofBase64(found.note_base64) : utf8(found.note);
  const note = Note.parse(bytes);
  expect(fromUtf8(note.encode())).toBe(fromUtf8(bytes));
  if (check === "signature") {
    await key.verify(note.lineOf(key).signature, utf8(note.text));
    return;
  }
  if (check === "receipt") {
    const serverKey = VerifierKey.parse(found.server_vkey);
    onlySignedBy(note, [key, serverKey]);
    expect(Number(await openCosignature(note, serverKey))).toBe(found.at_s);
  }
  const checkpoint = await openCheckpoint(note, { key, origin });
  expect([checkpoint.size, hex(checkpoint.root)]).toEqual([found.size, found.root]);
}

interface RecordCase extends Case {
  line?: string;
  line_base64?: string;
  line_runs?: [string, number][];
  session: string;
  device: string;
  seq: number;
  at_ms: number;
  kind: string;
  blob: BlobRef | null;
  facts?: unknown;
}

interface BatchCase extends Case {
  message_base64: string;
  session: string;
  device: string;
  origin: string;
  vkey: string;
  before: { size: number; edge: string };
  owed: Record<string, number>;
  after: { size: number; root: string };
  blobs: string[];
}

interface BundleCase extends Case {
  bundle_base64: string;
  server_vkey: string | null;
  failed_step: number;
  device: string | null;
  record: number | null;
}
