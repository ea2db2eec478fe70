import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { split } from "../../src/evidence/batch";
import { SigningKey } from "../../src/evidence/key";
import { EMPTY_ROOT } from "../../src/evidence/tree";
import { BACKLOG, FAST_MS, HistoryDiffers, Outbox, SLOW_MS } from "../../src/room/outbox";
import { Recorder } from "../../src/room/recorder";
import { openDatabase, Spool } from "../../src/room/spool";

const NEW = { size: 0, root: EMPTY_ROOT, owed: new Set<string>() };
let spool: Spool;
let recorder: Recorder;
let outbox: Outbox;

beforeEach(async () => {
  vi.stubGlobal("indexedDB", new IDBFactory());
  const place = { link: "l", session: "s_1", device: "d_web1", holder: "h" };
  spool = await Spool.open(await openDatabase(), place);
  recorder = new Recorder(spool, () => 1);
  outbox = new Outbox(spool, await SigningKey.generate("d_web1"), "origin");
});

async function answers(count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) await recorder.write("answer", { item: `q${at}` });
}

async function picture(seed: number, size = 1000): Promise<string> {
  const bytes = new Uint8Array(size).fill(seed);
  const blob = { bytes, type: "image/jpeg" };
  const { seq } = await recorder.write("snapshot", { purpose: "periodic" }, blob);
  return spool.blobNamed(seq)?.sha256 ?? "";
}

/** What leaves until it is best to wait: first record, first that is not along, blobs. */
function leaving(nowMs = 0): [start: number, stop: number, blobs: number][] {
  const left: [number, number, number][] = [];
  for (let flight = outbox.plan(nowMs); flight !== null; flight = outbox.plan(nowMs)) {
    outbox.left(flight, nowMs);
    left.push([flight.start, flight.stop, flight.blobs.size]);
  }
  return left;
}

describe("a fast link", () => {
  test("carries records in order, a few batches under way, blobs with them", async () => {
    await answers(20);
    await picture(1);
    outbox.begin(NEW);
    expect(leaving()).toEqual([
      [0, 16, 0],
      [16, 21, 1],
    ]);
    expect(outbox.idle).toBe(false);
    expect(outbox.landedUpTo(21, 10).map(({ stop }) => stop)).toEqual([16, 21]);
    expect(outbox.idle).toBe(true);
    expect(outbox.sentWithoutReceipt).toBe(true);
  });

  test("has at most eight batches without an answer", async () => {
    outbox.begin(NEW);
    for (let at = 0; at < 9; at += 1) {
      await answers(1);
      leaving();
    }
    expect(outbox.landedUpTo(9, 0)).toHaveLength(8);
    expect(leaving()).toEqual([[8, 9, 0]]);
  });

  test("carries one picture that is named twice once", async () => {
    await picture(1);
    await picture(1);
    outbox.begin(NEW);
    expect(leaving()).toEqual([[0, 2, 1]]);
  });
});

describe("a slow link", () => {
  test("carries a backlog's records first and alone, then a picture at a time", async () => {
    const pictures = [await picture(1), await picture(2), await picture(3)];
    await answers(BACKLOG);
    outbox.begin(NEW);
    expect(leaving()).toEqual([
      [0, 64, 0],
      [64, 67, 0],
    ]);
    // The server took its time: the link stays slow, and is asked for what was left behind.
    outbox.landedUpTo(67, SLOW_MS + 1);
    outbox.owe(new Set(pictures));
    expect(leaving(SLOW_MS + 1)).toEqual([[67, 67, 1]]);
    // An answer waits behind one picture at the most.
    await answers(1);
    expect(leaving(SLOW_MS + 1)).toEqual([[67, 68, 0]]);
  });

  test("is fast again once a batch that was the last one is answered soon", async () => {
    const pictures = [await picture(1), await picture(2)];
    await answers(BACKLOG);
    outbox.begin(NEW);
    leaving();
    outbox.landedUpTo(spool.size, SLOW_MS + 1);
    await answers(1);
    leaving();
    outbox.landed(FAST_MS - 1);
    outbox.owe(new Set(pictures));
    expect(leaving()).toEqual([[67, 67, 2]]);
  });

  test("is noticed while a batch is still under way", async () => {
    outbox.begin(NEW);
    await answers(1);
    leaving();
    await picture(1);
    expect(leaving(SLOW_MS + 1)).toEqual([[1, 2, 0]]);
    await picture(2);
    expect(leaving(SLOW_MS + 1)).toEqual([]);
  });
});

describe("blobs", () => {
  test("too large to travel with records travel alone", async () => {
    const large = await picture(1, 1024 * 1024 + 1);
    outbox.begin(NEW);
    expect(leaving()).toEqual([[0, 1, 0]]);
    outbox.landedUpTo(1, 0);
    outbox.owe(new Set([large]));
    const flight = outbox.plan(0)!;
    const { lines, note, blobs } = await split((await outbox.pack(flight))!);
    expect([lines.length, note, blobs[0]?.sha256]).toEqual([0, null, large]);
    outbox.left(flight, 0);
    // It is under way, so it is not sent twice.
    expect(leaving()).toEqual([]);
    outbox.landed(0);
    outbox.settle(large);
    expect(leaving()).toEqual([]);
  });

  test("that are gone hold up nothing", async () => {
    const [gone, there] = [await picture(1), await picture(2)];
    const read = spool.readBlob.bind(spool);
    vi.spyOn(spool, "readBlob").mockImplementation(async (digest) =>
      digest === gone ? null : read(digest),
    );
    outbox.begin(NEW);
    const { blobs } = await split((await outbox.pack(outbox.plan(0)!))!);
    expect(blobs.map(({ sha256 }) => sha256)).toEqual([there]);
    expect(spool.hasBlob(gone)).toBe(false);
    outbox.begin({ ...NEW, owed: new Set([gone]) });
    leaving();
    expect(outbox.plan(0)).toBeNull();
  });

  test("alone that are gone make no message", async () => {
    const gone = await picture(1);
    outbox.begin({ size: 1, root: spool.frontierAt(1).root(), owed: new Set([gone]) });
    const flight = outbox.plan(0)!;
    vi.spyOn(spool, "readBlob").mockResolvedValue(null);
    expect(await outbox.pack(flight)).toBeNull();
    expect(outbox.plan(0)).toBeNull();
  });
});

describe("the server's size", () => {
  test("decides where a connection goes on", async () => {
    await answers(5);
    outbox.begin({ ...NEW, size: 3, root: spool.frontierAt(3).root() });
    expect(leaving()).toEqual([[3, 5, 0]]);
  });

  test("decides again when it says so, after all under way is answered", async () => {
    await answers(1);
    outbox.begin(NEW);
    leaving();
    await answers(1);
    outbox.rewind(0, EMPTY_ROOT);
    expect(leaving()).toEqual([]);
    outbox.landed(0);
    expect(leaving()).toEqual([[0, 2, 0]]);
  });

  test.each([
    ["longer than ours", 3],
    ["as long, with other records", 2],
    ["shorter, with other records", 1],
  ])("of a log that is %s lets nothing leave", async (_what, size) => {
    await answers(2);
    const lie = { ...NEW, size, root: new Uint8Array(32) };
    expect(() => outbox.begin(lie)).toThrow(HistoryDiffers);
    outbox.begin(NEW);
    outbox.rewind(size, lie.root);
    expect(() => outbox.plan(0)).toThrow(HistoryDiffers);
  });
});
