import { describe, expect, it } from "vitest";
import { checkNamed, join, openRecords, seal, split } from "../../src/evidence/batch";
import { fromUtf8, utf8 } from "../../src/evidence/bytes";
import { SigningKey } from "../../src/evidence/key";
import { originOf, type Note } from "../../src/evidence/note";
import { encode } from "../../src/evidence/record";
import { digestOf } from "../../src/evidence/sha256";
import { Frontier, leafHash } from "../../src/evidence/tree";
import { codeOf, dice, flipped, sure } from "./made";

const [SESSION, DEVICE] = ["s_1", "d_web1"];
const ORIGIN = originOf({ server: "proctor.example", exam: "sds", session: SESSION, device: DEVICE });
const PICTURE = utf8("a picture");

async function made() {
  const key = await SigningKey.generate(DEVICE);
  const blob = { sha256: await digestOf(PICTURE), type: "image/jpeg", size: PICTURE.length };
  const lines = [0, 1, 2].map((seq) =>
    encode({ session: SESSION, device: DEVICE, seq, at_ms: seq, kind: "snapshot", facts: {}, blob }),
  );
  const before = new Frontier().extended(lines.slice(0, 1).map(leafHash));
  const frontier = before.extended(lines.slice(1).map(leafHash));
  const sent = { lines: lines.slice(1), blobs: [PICTURE], frontier, origin: ORIGIN, key };
  const message = await seal(sent);
  const log = { session: SESSION, device: DEVICE, origin: ORIGIN, key: key.verifier };
  return { ...sent, before, message, log, blob };
}

describe("a batch", () => {
  it("is taken apart into what was put in, and grows the log", async () => {
    const { message, lines, before, frontier, log, blob } = await made();
    const batch = await split(message);
    expect(batch.lines.map(fromUtf8)).toEqual(lines.map(fromUtf8));
    checkNamed(batch.blobs, new Map([[blob.sha256, blob.size]]));
    const opened = await openRecords({ ...batch, note: sure(batch.note) }, before, log);
    expect(opened.frontier).toEqual(frontier);
    expect(opened.records.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it("of the same parts is the same bytes: Ed25519 rolls no dice", async () => {
    const { message, ...parts } = await made();
    expect(await seal(parts)).toEqual(message);
  });

  it("of blobs alone needs no checkpoint", async () => {
    const { before, key } = await made();
    const parts = { lines: [], blobs: [PICTURE], frontier: before, origin: ORIGIN, key };
    const message = await seal(parts);
    expect(fromUtf8(message)).toBe("proctor-batch/v1 0 0 9\na picture");
    expect((await split(message)).note).toBeNull();
  });

  it("is refused, whatever bit is turned", async () => {
    const { message, before, log, blob } = await made();
    const roll = dice(6);
    for (let round = 0; round < 300; round += 1) {
      const at = roll(message.length);
      const code = await codeOf(async () => {
        const batch = await split(flipped(message, at));
        const { note } = batch;
        await openRecords({ ...batch, note: note as Note }, before, log);
        checkNamed(batch.blobs, new Map([[blob.sha256, blob.size]]));
      });
      expect(code, `byte ${at}`).not.toBeNull();
    }
  });

  it("joined again is the batch that was sent", async () => {
    const { message, blobs } = await made();
    const { lines, note } = await split(message);
    expect(join({ lines, note: sure(note).encode(), blobs })).toEqual(message);
  });
});
