import { signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Writable } from "../../src/evidence/json";
import { Answers, LATEST_MS, NotSaved, PAUSE_MS } from "../../src/room/answers";
import type { Line, Written } from "../../src/room/device";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function line(received: number, trouble: Line["trouble"] = null): Line {
  return {
    connected: true,
    since_ms: 0,
    written: 0,
    received,
    blobs_waiting: 0,
    received_at_ms: 5000,
    server_full: false,
    trouble,
  };
}

/** A log in memory that can be slow, and can be full. */
class Log {
  readonly written: [item: string, response: Writable][] = [];
  full = false;
  hold: Promise<void> = Promise.resolve();

  readonly write = async (_section: string, item: string, response: Writable): Promise<Written> => {
    await this.hold;
    if (this.full) throw new Error("full");
    this.written.push([item, response]);
    return { seq: this.written.length - 1, sha256: "0f", at_ms: 1 };
  };
}

function made() {
  const log = new Log();
  const state = signal(line(0));
  const answers = new Answers(state, new Map(), log.write);
  const receive = (received: number) => {
    state.value = line(received);
    answers.notice(state.value);
  };
  return { log, answers, receive };
}

describe("an answer", () => {
  it("is written a moment after the last key, once", async () => {
    const { log, answers } = made();
    answers.change("a", "one", "h");
    await vi.advanceTimersByTimeAsync(PAUSE_MS - 1);
    answers.change("a", "one", "hi");
    await vi.advanceTimersByTimeAsync(PAUSE_MS - 1);
    expect(log.written).toEqual([]);
    expect(answers.safety("one")).toEqual({ is: "typing" });
    await vi.advanceTimersByTimeAsync(1);
    expect(log.written).toEqual([["one", "hi"]]);
    expect(answers.safety("one")).toEqual({ is: "saved" });
  });

  it("is written within two seconds while one types on and on", async () => {
    const { log, answers } = made();
    for (let at = 0; at < 2000; at += 100) {
      answers.change("a", "one", `${at}`);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(log.written.length).toBeGreaterThan(0);
    expect(LATEST_MS).toBeLessThan(2000);
  });

  it("is written as soon where the computer's clock is set back meanwhile", async () => {
    const { log, answers } = made();
    answers.change("a", "one", "before");
    vi.setSystemTime(Date.now() - 3_600_000);
    for (let at = 0; at < 2000; at += 100) {
      answers.change("a", "one", `${at}`);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(log.written.length).toBeGreaterThan(0);
  });

  it("that is chosen is written at once", async () => {
    const { log, answers } = made();
    answers.change("a", "one", "b", true);
    await vi.advanceTimersByTimeAsync(0);
    expect(log.written).toEqual([["one", "b"]]);
  });

  it("is said to be received only once a receipt covers it, with the receipt's time", async () => {
    const { answers, receive } = made();
    answers.change("a", "one", "b", true);
    await answers.flush();
    receive(0);
    expect(answers.safety("one")).toEqual({ is: "saved" });
    receive(1);
    expect(answers.safety("one")).toEqual({ is: "received", at_ms: 5000 });
  });

  it("that is changed is no longer received", async () => {
    const { answers, receive } = made();
    answers.change("a", "one", "b", true);
    await answers.flush();
    receive(1);
    answers.change("a", "one", "c");
    expect(answers.safety("one")).toEqual({ is: "typing" });
    await answers.flush();
    expect(answers.safety("one")).toEqual({ is: "saved" });
  });

  it("that is typed during a write is written after it: the last record is the last word", async () => {
    const { log, answers } = made();
    let free = () => {};
    log.hold = new Promise((resolve) => (free = resolve));
    answers.change("a", "one", "first", true);
    await vi.advanceTimersByTimeAsync(1);
    answers.change("a", "one", "second");
    expect(answers.unwritten()).toEqual([{ section: "a", item: "one", response: "second" }]);
    const done = answers.flush();
    free();
    await done;
    expect(log.written).toEqual([
      ["one", "first"],
      ["one", "second"],
    ]);
    expect(answers.unwritten()).toEqual([]);
  });

  it("that could not be written says so, and is written when there is room", async () => {
    const { log, answers } = made();
    log.full = true;
    answers.change("a", "one", "b", true);
    await answers.flush();
    expect(answers.safety("one")).toEqual({ is: "failed" });
    expect(answers.response("one")).toBe("b");
    log.full = false;
    answers.retry();
    await answers.flush();
    expect(answers.safety("one")).toEqual({ is: "saved" });
    expect(log.written).toEqual([["one", "b"]]);
  });

  it("that could not be written is tried again as soon as there is room", async () => {
    const { log, answers } = made();
    log.full = true;
    answers.change("a", "one", "b", true);
    await answers.flush();
    answers.notice(line(0, "storage-full"));
    log.full = false;
    answers.notice(line(0));
    await answers.flush();
    expect(log.written).toEqual([["one", "b"]]);
  });

  it("that could not be written is tried again before anything is handed in", async () => {
    const { log, answers } = made();
    log.full = true;
    answers.change("a", "one", "b", true);
    await answers.flush();
    await expect(answers.settle()).rejects.toThrow(NotSaved);
    expect(answers.unsaved.value).toBe(1);
    log.full = false;
    await answers.settle();
    expect(log.written).toEqual([["one", "b"]]);
    expect(answers.unsaved.value).toBe(0);
  });

  it("that could not be written is among the last words of a page", async () => {
    const { log, answers } = made();
    log.full = true;
    answers.change("a", "one", "b", true);
    await answers.flush();
    expect(answers.unwritten()).toEqual([{ section: "a", item: "one", response: "b" }]);
    log.full = false;
    await answers.settle();
    expect(answers.unwritten()).toEqual([]);
  });

  it("counts as none when it is taken back", async () => {
    const { answers } = made();
    answers.change("a", "one", "b", true);
    answers.change("a", "two", " ", true);
    expect(answers.isAnswered("one")).toBe(true);
    expect(answers.isAnswered("two")).toBe(false);
    answers.change("a", "one", null, true);
    expect(answers.isAnswered("one")).toBe(false);
    expect(answers.safety("three")).toEqual({ is: "empty" });
  });

  it("of an earlier run of the page is there, and as safe as it is", () => {
    const before = new Map([
      ["one", { response: "b", seq: 3, sha256: "0f" }],
      ["two", { response: "c", seq: 9, sha256: "0f" }],
    ]);
    const answers = new Answers(signal(line(5)), before, new Log().write);
    expect(answers.response("one")).toBe("b");
    expect(answers.safety("one")).toEqual({ is: "received", at_ms: null });
    expect(answers.safety("two")).toEqual({ is: "saved" });
  });
});

describe("what was answered on another device", () => {
  const theirs = (item: string) => ({ section: "a", item, response: "theirs" });

  it("is shown, and written into this log, so that the submission names it", async () => {
    const { answers, log } = made();
    answers.adopt([theirs("one")], 0);
    await answers.flush();
    expect(answers.response("one")).toBe("theirs");
    expect(answers.isAnswered("one")).toBe(true);
    expect(log.written).toEqual([["one", "theirs"]]);
  });

  it("is never put over what the server did not know of when it was asked", async () => {
    const { answers, log } = made();
    answers.change("a", "one", "mine", true);
    await answers.flush();
    answers.change("a", "two", "typed");
    answers.adopt([theirs("one"), theirs("two")], 0);
    await answers.flush();
    expect(log.written).toEqual([
      ["one", "mine"],
      ["two", "typed"],
    ]);
  });

  it("is newer than what the server had of this device: one may go on here again", async () => {
    const { answers, log } = made();
    answers.change("a", "one", "mine", true);
    answers.change("a", "two", "theirs", true);
    await answers.flush();
    answers.adopt([theirs("one"), theirs("two")], 2);
    await answers.flush();
    expect(answers.response("one")).toBe("theirs");
    expect(log.written).toEqual([
      ["one", "mine"],
      ["two", "theirs"],
      ["one", "theirs"],
    ]);
  });

  it("and taken back there is no answer here", async () => {
    const { answers, log } = made();
    answers.adopt([{ section: "a", item: "one", response: null }], 0);
    await answers.flush();
    expect(log.written).toEqual([]);
    expect(answers.safety("one")).toEqual({ is: "empty" });
  });
});

describe("all answers together", () => {
  it("are as safe as the least safe of them", async () => {
    const { log, answers, receive } = made();
    expect(answers.least()).toBe("received");
    answers.change("a", "one", "b", true);
    await answers.flush();
    expect(answers.least()).toBe("saved");
    receive(1);
    expect(answers.least()).toBe("received");
    answers.change("a", "two", "b");
    expect(answers.least()).toBe("typing");
    log.full = true;
    await answers.flush();
    expect(answers.least()).toBe("failed");
  });
});
