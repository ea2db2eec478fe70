import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, describe, expect, test, vi, type Mock } from "vitest";
import { ProblemError, Unreachable } from "../../src/api";
import { MalformedRecord } from "../../src/evidence/errors";
import { Frontier, leafHash } from "../../src/evidence/tree";
import {
  CalledOff,
  Device,
  DeviceStopped,
  NoStorage,
  OtherTab,
  StorageFull,
} from "../../src/room/device";
import { ExamServer, TOKEN, type Fault } from "./exam-server";

let server: ExamServer;
const opened: Device[] = [];

beforeEach(async () => {
  // The database's own turns stay real.
  vi.useFakeTimers({
    toFake: ["Date", "performance", "setTimeout", "clearTimeout", "setInterval", "clearInterval"],
    now: Date.UTC(2026, 10, 21, 13),
  });
  vi.stubGlobal("indexedDB", new IDBFactory());
  server = await ExamServer.start();
});

afterEach(() => {
  for (const device of opened.splice(0)) device.close();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function open(how: { steal?: boolean } = {}): Promise<Device> {
  const device = await Device.open(TOKEN, how, server.net);
  opened.push(device);
  return device;
}

const { setTimeout: setRealTimeout } = globalThis;

/** Lets time pass until it is so. */
async function when(so: () => boolean): Promise<void> {
  for (let turn = 0; turn < 4000; turn += 1) {
    if (so()) return;
    await vi.advanceTimersByTimeAsync(40);
    // Signatures are made in other threads, which know nothing of the time that is played here.
    await new Promise((resolve) => setRealTimeout(resolve, 1));
  }
  throw new Error("it never came to that");
}

/** A device that has accepted the rules and is connected: its log is the hello and a beat. */
async function begun(): Promise<Device> {
  const device = await open();
  await device.accept();
  await when(() => device.line.value.received === 2);
  return device;
}

function answer(device: Device, item: string, response = `to ${item}`) {
  return device.write("answer", { section: "a", item, response });
}

/** Waits, with time passing, and tells why it was refused. */
async function refusal(promise: Promise<unknown>): Promise<unknown> {
  let told: unknown;
  promise.then(
    () => (told = "not refused"),
    (error: unknown) => (told = error),
  );
  await when(() => told !== undefined);
  return told;
}

function picture(seed: number, size = 2000) {
  const bytes = Uint8Array.from({ length: size }, (_, at) => (at * 31 + seed) % 251);
  return { bytes, type: "image/jpeg" };
}

describe("the way of a learner", () => {
  test("every record and blob arrives once, and the receipt is both sides' word", async () => {
    const device = await open();
    await device.accept();
    await device.write("snapshot", { purpose: "face" }, picture(1));
    const document = await device.write("snapshot", { purpose: "document" }, picture(2));
    await device.received(document.seq + 1);
    expect((await device.checkIn()).state).toBe("ready");
    const { items } = await device.openSection("a");
    expect(items.map(({ id }) => id)).toEqual(["a1"]);
    await device.write("answer", { section: "a", item: "a1", response: "3,14" });
    await device.closeSection("a");
    const view = await device.submit();

    expect(view.state).toBe("submitted");
    expect(server.answers()).toEqual({ a1: "3,14" });
    expect(server.owed()).toEqual([]);
    expect([...server.blobs.values()].map(({ length }) => length)).toEqual([2000, 2000]);
    const receipt = device.receipt();
    expect(await server.verifies(receipt?.text ?? "")).toBe(server.lines.length);
    const { written, received, blobs_waiting, trouble } = device.line.value;
    expect({ written, received, blobs_waiting, trouble }).toEqual({
      written: server.lines.length,
      received: server.lines.length,
      blobs_waiting: 0,
      trouble: null,
    });
  });
});

describe("a page that is opened again", () => {
  test("knows from its own log what was done, and goes on with it", async () => {
    const before = await begun();
    await before.write("snapshot", { purpose: "face" }, picture(1));
    await answer(before, "a1", "first");
    const last = await answer(before, "a1", "试 second");
    await before.keep("marked", ["a1"]);
    await before.received(last.seq + 1);
    const receipt = before.receipt();
    before.close();

    const after = await open();

    expect(after.joined.device).toBe(before.joined.device);
    expect(after.memory.hello).toBe(true);
    expect([...after.memory.pictures]).toEqual(["face"]);
    const { seq, sha256 } = last;
    expect([...after.memory.answers]).toEqual([["a1", { response: "试 second", seq, sha256 }]]);
    expect(await after.kept("marked")).toEqual(["a1"]);
    expect(await after.kept("never")).toBeUndefined();
    expect(after.receipt()).toEqual(receipt);
    const { seq: more } = await answer(after, "a2");
    await after.received(more + 1);
    expect(server.answers()).toEqual({ a1: "试 second", a2: "to a2" });
    expect(server.joins).toBe(1);
  });

  test("opens without any network, and what is written there arrives later", async () => {
    const before = await begun();
    await before.openSection("a");
    before.close();
    server.away = true;

    const device = await open();
    expect(device.view.value.state).toBe("running");
    await answer(device, "a1");
    await device.write("snapshot", { purpose: "periodic" }, picture(3));
    expect(device.line.value).toMatchObject({ connected: false, received: 2, blobs_waiting: 1 });
    server.away = false;
    await when(() => device.line.value.received === device.line.value.written);

    expect(server.answers()).toEqual({ a1: "to a1" });
    await when(() => device.line.value.blobs_waiting === 0);
    expect(server.owed()).toEqual([]);
  });

  test("asks for its last receipt by one more record, if that was cut off", async () => {
    const before = await begun();
    server.faults.push("lost-answer");
    await answer(before, "a1");
    await when(() => server.lines.length === 3);
    before.close();

    const device = await open();
    await when(() => device.line.value.received > 3);

    const [gap] = server.records("gap");
    expect(gap?.facts.get("cause")).toBe("client-stopped");
  });

  test("that never reached the server says so", async () => {
    server.away = true;
    await expect(open()).rejects.toThrow(Unreachable);
    server.away = false;
    // The key that it made is the one that joins now.
    await begun();
    expect(server.joins).toBe(1);
  });

  test("with the link of another computer asks, and is let in", async () => {
    server.refuses = "join-link-used";
    await expect(open()).rejects.toMatchObject({ code: "join-link-used" });
    await Device.ask(TOKEN, server.net);
    expect(server.asked.at(-1)).toBe("POST /api/v1/join/ask");
    server.refuses = null;
    await begun();
  });

  test("where the browser keeps nothing says so", async () => {
    vi.stubGlobal("indexedDB", {
      open: () => {
        throw new DOMException("not in a private window", "SecurityError");
      },
    });
    await expect(open()).rejects.toThrow(NoStorage);
  });
});

describe("two tabs", () => {
  test("only one has the session, until the other one takes it", async () => {
    const one = await begun();
    const refused = open();
    await expect(refused).rejects.toThrow(OtherTab);

    const two = await open({ steal: true });
    await when(() => one.line.value.trouble === "other-tab");

    await expect(answer(one, "a1", "one")).rejects.toThrow(DeviceStopped);
    // Not with an error of the database, which would be taken for a bug.
    await expect(one.kept("marked")).rejects.toThrow(DeviceStopped);
    await expect(one.keep("marked", [])).rejects.toThrow(DeviceStopped);
    await expect(one.refresh()).rejects.toThrow(DeviceStopped);
    const { seq } = await answer(two, "a1", "two");
    await two.received(seq + 1);
    expect(server.answers()).toEqual({ a1: "two" });
    expect(two.line.value.trouble).toBeNull();
  });

  test("a tab that was robbed and does not know it yet writes nothing", async () => {
    const one = await begun();
    // As if the news of the theft were late.
    const taken = vi.spyOn(navigator.locks, "request") as unknown as Mock<LockManager["request"]>;
    taken.mockImplementation((...asked: unknown[]) => (asked[2] as () => Promise<never>)());
    const two = await open({ steal: true });

    expect(await refusal(answer(one, "a1", "one"))).toBeInstanceOf(DeviceStopped);

    expect(one.line.value.trouble).toBe("other-tab");
    const { seq } = await answer(two, "a1", "two");
    await two.received(seq + 1);
    expect(server.answers()).toEqual({ a1: "two" });
  });
});

describe("a line that breaks", () => {
  const faults: Fault[] = [
    "lost-request",
    "answered-later",
    "lost-answer",
    "resume",
    "storage-full",
    "lost-blobs",
    "silent",
  ];

  test.each(faults)("every record and blob arrives once after %s", async (fault) => {
    const device = await begun();
    server.faults.push("none", fault, "none", fault);
    for (let at = 0; at < 12; at += 1) {
      await answer(device, `a${at % 5}`, String(at));
      await device.write("snapshot", { purpose: "periodic" }, picture(at));
      await vi.advanceTimersByTimeAsync(30);
    }
    const { written } = device.line.value;
    let all = false;
    void device.received(written).then(() => (all = true));
    await when(() => all);

    const answers = server.records("answer").map(({ facts }) => facts.get("response"));
    expect(answers).toEqual(Array.from({ length: 12 }, (_, at) => String(at)));
    expect(server.owed()).toEqual([]);
    expect(server.blobs.size).toBe(12);
    const rebuilt = new Frontier().extended(server.lines.map(leafHash));
    expect(rebuilt.root()).toEqual(server.frontiers.at(-1)?.root());
  });

  test("a server that can't store is said to be there, until it stores again", async () => {
    const device = await begun();
    server.faults.push("storage-full");
    const said: boolean[] = [];
    device.line.subscribe(({ server_full }) => said.push(server_full));
    const { seq } = await answer(device, "a1");
    await when(() => device.line.value.received > seq);
    expect([said[0], said.includes(true), said.at(-1)]).toEqual([false, true, false]);
  });

  test("an outage of a minute is a gap with its cause; a short one is none", async () => {
    const device = await begun();
    server.cut();
    await when(() => device.line.value.connected === false);
    await when(() => device.line.value.connected);
    expect(server.records("gap")).toEqual([]);
    const from = Date.now();
    server.away = true;
    server.cut();
    await when(() => !device.line.value.connected);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(device.line.value.connected).toBe(false);
    await answer(device, "a1");
    server.away = false;
    await when(() => server.records("gap").length > 0);

    const [gap] = server.records("gap");
    const { facts } = gap!;
    expect([facts.get("of"), facts.get("cause")]).toEqual(["contact", "network"]);
    expect(Number(facts.get("from_ms"))).toBeGreaterThan(from - 2000);
    expect(Number(facts.get("to_ms")) - Number(facts.get("from_ms"))).toBeGreaterThan(59_000);
    expect(server.answers()).toEqual({ a1: "to a1" });
  });

  test("an outage before the hello is no record: the log begins with the hello", async () => {
    const device = await open();
    await when(() => device.line.value.connected);
    server.away = true;
    server.cut();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(device.line.value.connected).toBe(false);
    server.away = false;
    await when(() => device.line.value.connected);
    expect(device.line.value.written).toBe(0);
    await device.accept();
    await when(() => device.line.value.received > 0);
    expect(server.records()[0]?.kind).toBe("hello");
  });

  test("a network that vanished without a word is noticed although nothing is sent", async () => {
    const device = await begun();
    await when(() => device.line.value.connected);
    server.away = true;
    await when(() => !device.line.value.connected);
  });

  test("a large picture on a slow line is no silence while it leaves", async () => {
    const device = await begun();
    server.faults.push("silent");
    const [line] = [...server.links].slice(-1);
    line!.unsentBytes = 4_000_000;
    await answer(device, "a1");
    for (let second = 0; second < 60; second += 1) {
      line!.unsentBytes -= 50_000;
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(device.line.value.connected).toBe(true);
    // Now nothing leaves any more.
    await when(() => !device.line.value.connected);
  });

  test("a computer that slept connects anew and asks for the server's time", async () => {
    const device = await begun();
    const { length } = server.asked;
    server.aheadMs = -3_600_000;
    vi.setSystemTime(Date.now() + 3_600_000);
    await when(() => server.asked.length > length && device.line.value.connected);
    await when(() => Math.abs(device.clock.nowMs() - server.nowMs()) < 1000);
    expect(server.links.size).toBe(2);
  });

  test("an older connection that is noticed late is no other browser", async () => {
    const device = await begun();
    server.faults.push("superseded", "superseded");
    const { seq } = await answer(device, "a1");
    await when(() => device.line.value.received > seq);
    expect(device.line.value.trouble).toBeNull();
  });

  test("a token that ended is got anew, with the same key", async () => {
    const device = await begun();
    server.deviceToken = "another";
    server.cut();
    await answer(device, "a1");
    await when(() => server.records("answer").length === 1);
    expect(server.joins).toBe(2);
    expect((await device.refresh()).state).toBe("invited");
  });

  test("commands wait for the network, and are repeated until they are answered", async () => {
    const device = await begun();
    server.away = true;
    let told: unknown;
    void device.openSection("a").then((section) => (told = section));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(told).toBeUndefined();
    await expect(device.refresh()).rejects.toThrow(Unreachable);
    await expect(device.section("a")).rejects.toThrow(Unreachable);
    server.away = false;
    await when(() => told !== undefined);
    expect(told).toMatchObject({ section: "a" });
    expect(device.view.value.sections[0]?.state).toBe("open");
  });

  test.each(["records that are not received", "an answer"])(
    "a closing that waits for %s is never sent once it was called off",
    async (awaited) => {
      const device = await begun();
      await device.openSection("a");
      server.away = true;
      if (awaited !== "an answer") {
        server.cut();
        await answer(device, "a1");
      }
      const asks = { wanted: true, sent: 0 };
      const how = { wanted: () => asks.wanted, left: () => (asks.sent += 1) };
      const refused = refusal(device.closeSection("a", how));
      await vi.advanceTimersByTimeAsync(3000);
      expect(asks.sent > 0).toBe(awaited === "an answer");
      asks.wanted = false;
      server.away = false;

      expect(await refused).toBeInstanceOf(CalledOff);
      expect(server.asked.filter((each) => each.endsWith("/close"))).toEqual([]);
      expect(device.view.value.sections[0]?.state).toBe("open");
    },
  );

  test("an image of an item comes as it is, even if the token has ended", async () => {
    const device = await begun();
    server.deviceToken = "another";
    const image = await device.image("ab");
    expect([image.type, await image.text()]).toEqual(["image/png", "an image"]);
    await expect(device.image("cd")).rejects.toMatchObject({ code: "not-found" });
    server.away = true;
    await expect(device.image("ab")).rejects.toThrow(Unreachable);
  });

  test("a problem is told to whoever asked", async () => {
    const device = await begun();
    const refused = await refusal(device.checkIn());
    expect(refused).toBeInstanceOf(ProblemError);
    expect(refused).toMatchObject({ code: "check-in-incomplete" });
  });

  test("the server's pushes are the view, and its log is told back in a beat, once", async () => {
    const device = await begun();
    await when(() => server.records("beat").length === 1);
    server.state = "paused";
    server.push();
    await when(() => device.view.value.state === "paused");
    server.serverLog = { size: 4, root: "ef".repeat(32) };
    await vi.advanceTimersByTimeAsync(11_000);
    server.push();
    await when(() => server.records("beat").length === 2);
    expect(server.records("beat").map(({ facts }) => facts.get("size"))).toEqual([3, 4]);
  });
});

describe("a server whose clock steps back", () => {
  test("is believed in what it answers", async () => {
    server.aheadMs = 3_600_000;
    const device = await begun();
    await device.refresh();
    server.aheadMs = 0;
    await device.openSection("a");
    expect(device.view.value.sections[0]?.state).toBe("open");
    server.state = "paused";
    await device.refresh();
    expect(device.view.value.state).toBe("paused");
  });

  test("is believed in what it pushes after that", async () => {
    server.aheadMs = 3_600_000;
    const device = await begun();
    await device.refresh();
    server.aheadMs = 0;
    server.state = "paused";
    server.serverLog = { size: 4, root: "ef".repeat(32) };
    server.push();
    await when(() => device.view.value.state === "paused");
  });

  test("is no reason to believe an answer that a push has overtaken", async () => {
    const device = await begun();
    let letGo = (): void => {};
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    // The answer is made, and then travels for long.
    vi.spyOn(Response.prototype, "text").mockImplementationOnce(async function (this: Response) {
      const bytes = await this.arrayBuffer();
      await gate;
      return new TextDecoder().decode(bytes);
    });
    const asked = device.refresh();
    await vi.advanceTimersByTimeAsync(1000);
    server.state = "paused";
    server.push();
    await when(() => device.view.value.state === "paused");
    letGo();
    await asked;
    expect(device.view.value.state).toBe("paused");
  });
});

describe("the end of a line", () => {
  test("a closed session is told to whoever waits, and what is written stays here", async () => {
    const device = await begun();
    server.faults.push("closed");
    const { seq } = await answer(device, "a1");
    expect(await refusal(device.received(seq + 1))).toMatchObject({ trouble: "session-over" });
    expect(device.line.value.trouble).toBe("session-over");
    await answer(device, "a2");
    await expect(device.received(seq + 2)).rejects.toThrow(DeviceStopped);
  });

  test("another browser with this one's key is told from a late word of ours", async () => {
    const device = await begun();
    server.faults.push("superseded", "superseded", "superseded");
    await answer(device, "a1");
    await when(() => device.line.value.trouble === "superseded");
  });

  test("a batch refused for good is told and not sent again", async () => {
    const device = await begun();
    server.faults.push("refused");
    await answer(device, "a1");
    await when(() => device.line.value.trouble === "refused");
    expect(device.problem?.code).toBe("false-claim");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.lines).toHaveLength(2);
  });

  test("a server with another key is not believed", async () => {
    const device = await begun();
    server.pair = (await ExamServer.start()).pair;
    await answer(device, "a1");
    await when(() => device.line.value.trouble === "receipt-refused");
    expect(device.receipt()?.size).toBe(2);
  });

  test("a server with another history is sent nothing", async () => {
    const device = await begun();
    const { size } = server.frontiers.at(-1)!;
    server.frontiers.push(new Frontier().extended(Array(size).fill(leafHash(new Uint8Array()))));
    const sent = server.batches.length;
    server.cut();
    await when(() => device.line.value.trouble === "history-differs");
    await answer(device, "a1");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.batches).toHaveLength(sent);
  });

  test("a device whose place another computer took says so, and tries no more", async () => {
    const device = await begun();
    server.deviceToken = "of the other";
    server.refuses = "join-link-used";
    server.cut();
    await when(() => device.line.value.trouble === "token-ended");
    expect(device.problem?.code).toBe("join-link-used");
  });
});

describe("no room", () => {
  test("a record that finds none is told, and the next one stands in its place", async () => {
    const device = await begun();
    const full = vi.spyOn(IDBObjectStore.prototype, "add").mockImplementation(() => {
      throw new DOMException("no room", "QuotaExceededError");
    });
    await expect(answer(device, "a1", "lost")).rejects.toThrow(StorageFull);
    expect(device.line.value.trouble).toBe("storage-full");
    expect(device.memory.answers.size).toBe(0);
    full.mockRestore();

    const { seq } = await answer(device, "a1", "kept");

    expect(device.line.value.trouble).toBeNull();
    await device.received(seq + 1);
    expect(server.answers()).toEqual({ a1: "kept" });
  });

  test("a picture that finds none leaves no trace, and answers go on", async () => {
    const device = await begun();
    const full = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => {
      throw new DOMException("no room", "QuotaExceededError");
    });
    const periodic = device.write("snapshot", { purpose: "periodic" }, picture(1));
    await expect(periodic).rejects.toMatchObject({ name: "StorageFull", of: "disk" });
    const { seq } = await answer(device, "a1");
    full.mockRestore();
    await device.received(seq + 1);
    expect(server.records("snapshot")).toEqual([]);
    expect(server.answers()).toEqual({ a1: "to a1" });
  });

  test("an answer that fits no record is refused, and nothing is written", async () => {
    const device = await begun();
    await expect(answer(device, "a1", "x".repeat(65_536))).rejects.toThrow(MalformedRecord);
    const { seq } = await answer(device, "a1", "short");
    await device.received(seq + 1);
    expect(server.answers()).toEqual({ a1: "short" });
  });
});
