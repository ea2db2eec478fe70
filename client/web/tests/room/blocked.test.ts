import { afterEach, describe, expect, it, vi } from "vitest";
import { ProblemError } from "../../src/api";
import { againMs, blockedBy, keepTrying } from "../../src/room/blocked";

const used = (facts: object) => new ProblemError("join-link-used", 409, "", "", { ...facts });

describe("a link that another computer has", () => {
  it.each([
    [{ asked: null, over: false }, "join-link-used"],
    [{ asked: "admitted", over: false }, "join-link-used"],
    [{ asked: "waiting", over: false }, "asked"],
    [{ asked: "waiting", over: true }, "asked"],
    [{ asked: "refused", over: false }, "asked-refused"],
    [{ asked: "refused", over: true }, "asked-refused"],
  ])("is told by what was asked for here: %j", (facts, code) => {
    expect(blockedBy(used(facts))).toEqual({ code, facts });
  });
});

describe("a page that waits", () => {
  afterEach(() => vi.useRealTimers());

  it("tries every few seconds, and seldom once a yes may take a day", () => {
    const soon = { code: "asked", facts: { over: false } };
    const over = { code: "asked", facts: { over: true } };
    expect([againMs(soon, 0), againMs(soon, 1000)]).toEqual([5000, 5000]);
    expect([againMs(over, 0), againMs(over, 1000)]).toEqual([5000, 120_000]);
    // A no that was a mistake is taken back soon, or not at all.
    const no = { code: "asked-refused", facts: {} };
    expect([againMs(no, 0), againMs(no, 1000)]).toEqual([5000, 120_000]);
    expect(againMs({ code: "unreachable", facts: {} }, 1000)).toBe(5000);
  });

  it("tries again only once the try before has ended, until it is stopped", async () => {
    vi.useFakeTimers();
    const ends: (() => void)[] = [];
    const retry = () => new Promise<void>((end) => void ends.push(end));
    const stop = keepTrying(retry, (tries) => 1000 * (tries + 1));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ends).toHaveLength(1);
    ends[0]?.();
    await vi.advanceTimersByTimeAsync(1999);
    expect(ends).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends).toHaveLength(2);
    stop();
    ends[1]?.();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ends).toHaveLength(2);
  });
});
