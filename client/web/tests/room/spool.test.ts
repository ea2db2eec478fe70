import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { utf8, type Bytes } from "../../src/evidence/bytes";
import { SigningKey } from "../../src/evidence/key";
import { Checkpoint, signCheckpoint } from "../../src/evidence/note";
import { encode, type BlobRef, type RecordLine } from "../../src/evidence/record";
import { Frontier, leafHash } from "../../src/evidence/tree";
import {
  openDatabase,
  OtherTab,
  Spool,
  SpoolDamaged,
  StorageFull,
  type Database,
} from "../../src/room/spool";

const PLACE = { link: "l", session: "s_1", device: "d_web1", holder: "h" };
let database: Database;

beforeEach(async () => {
  vi.stubGlobal("indexedDB", new IDBFactory());
  database = await openDatabase();
});

function line(seq: number, blob: BlobRef | null = null): Bytes {
  const { session, device } = PLACE;
  return encode({ session, device, seq, at_ms: seq, kind: "snapshot", facts: { n: seq }, blob });
}

async function filled(count: number, how: object = {}): Promise<Spool> {
  const spool = await Spool.open(database, { ...PLACE, ...how });
  for (let seq = 0; seq < count; seq += 1) await spool.append(line(seq), seq);
  return spool;
}

async function withBlob(spool: Spool, bytes: Bytes): Promise<string> {
  const sha256 = await spool.storeBlob(bytes, { limited: true });
  const ref = { sha256, type: "image/jpeg", size: bytes.length };
  await spool.append(line(spool.size, ref), 0, ref);
  return sha256;
}

describe("a log that is opened again", () => {
  test("is the log that was written, byte for byte and tree for tree", async () => {
    const before = await filled(9);
    const seen: RecordLine[] = [];

    const after = await Spool.open(database, PLACE, (record) => seen.push(record));

    const lines = Array.from({ length: 9 }, (_, seq) => line(seq));
    expect(await after.lines(0, 9)).toEqual(lines);
    expect(await after.lines(3, 5)).toEqual(lines.slice(3, 5));
    expect(await after.lines(3, 3)).toEqual([]);
    expect(seen.map(({ seq }) => seq)).toEqual(lines.map((_, seq) => seq));
    for (let size = 0; size <= 9; size += 1) {
      const right = new Frontier().extended(lines.slice(0, size).map(leafHash));
      expect(after.frontierAt(size).root()).toEqual(right.root());
      expect(before.frontierAt(size).root()).toEqual(right.root());
    }
    expect(after.lastAtMs).toBe(8);
    expect(() => after.frontierAt(10)).toThrow(RangeError);
  });

  test("knows another link's log from its own", async () => {
    await filled(3);
    const other = await Spool.open(database, { ...PLACE, link: "m" });
    expect(other.size).toBe(0);
  });

  test("has its blobs, but for those that no record names", async () => {
    const before = await Spool.open(database, PLACE);
    const named = await withBlob(before, utf8("named"));
    const orphan = await before.storeBlob(utf8("orphan"), { limited: true });

    const after = await Spool.open(database, PLACE);

    expect([after.hasBlob(named), after.hasBlob(orphan)]).toEqual([true, false]);
    expect([after.waits(named), after.waiting]).toEqual([5, 1]);
    expect(await after.readBlob(orphan)).toBeNull();
    await after.dropBlobs([named, named, orphan]);
    expect(await after.readBlob(named)).toBeNull();
    expect(after.waiting).toBe(0);
  });

  test.each([
    ["changed", () => database.put("records", { line: line(7), blob: null }, ["l", 1])],
    ["gone", () => database.delete("records", ["l", 1])],
  ])("with a record that was %s is damage", async (_what, harm) => {
    await filled(3);
    await harm();
    await expect(Spool.open(database, PLACE)).rejects.toThrow(SpoolDamaged);
  });

  test("keeps its receipt, which never gives way to an older one", async () => {
    const before = await filled(3);
    const key = await SigningKey.generate("d_web1");
    function note(size: number): Promise<Bytes> {
      const root = before.frontierAt(size).root();
      return signCheckpoint(new Checkpoint("o", size, root), key);
    }
    await before.keepReceipt(await note(2), 2);
    await before.keepReceipt(await note(1), 1);

    const after = await Spool.open(database, PLACE);
    expect([after.received, after.receipt]).toEqual([2, await note(2)]);

    await database.delete("records", ["l", 2]);
    await database.delete("records", ["l", 1]);
    await expect(Spool.open(database, PLACE)).rejects.toThrow(SpoolDamaged);
  });
});

describe("what is refused", () => {
  test("a picture over the room that pictures have; an answer's file is not", async () => {
    const spool = await filled(1, { blobsLimitBytes: 10 });
    await spool.storeBlob(utf8("12345678"), { limited: true });
    const more = spool.storeBlob(utf8("picture"), { limited: true });
    await expect(more).rejects.toMatchObject({ name: "StorageFull", of: "pictures" });
    await spool.storeBlob(utf8("the answer"), { limited: false });
    await spool.append(line(1), 1);
    expect(spool.size).toBe(2);
  });

  test("a writer whose place another one took", async () => {
    const one = await filled(2);
    const two = await Spool.open(database, { ...PLACE, holder: "other" });
    await expect(one.append(line(2), 2)).rejects.toThrow(OtherTab);
    await two.append(line(2), 2);
    expect([one.size, two.size]).toEqual([2, 3]);
  });

  test("anything, once the browser has closed the database", async () => {
    const spool = await filled(1);
    database.close();
    await expect(spool.append(line(1), 1)).rejects.toThrow(StorageFull);
    await expect(spool.keep("note", 1)).rejects.toThrow(StorageFull);
    expect(spool.size).toBe(1);
  });

  test("a blob that is no longer what its name says", async () => {
    const spool = await Spool.open(database, PLACE);
    const digest = await withBlob(spool, utf8("as it was"));
    await database.put("blobs", { bytes: utf8("otherwise"), size: 9 }, ["l", digest]);
    expect(await spool.readBlob(digest)).toBeNull();
  });
});
