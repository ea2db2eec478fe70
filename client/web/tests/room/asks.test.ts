import { describe, expect, it } from "vitest";
import type { QualityAsk } from "../../src/api";
import { askedNow, askWords, lasted } from "../../src/room/asks";
import { room } from "../../src/text/room";
import { MINUTE, SECOND, START } from "../made";

const ask = (kind: string, seconds: number | null): QualityAsk => ({
  kind,
  since_ms: START,
  until_ms: seconds === null ? null : START + seconds * SECOND,
  seconds: seconds ?? 0,
});

describe("what a learner is asked for", () => {
  it.each([
    ["nothing", [], null],
    ["nothing that is over", [ask("dark", 30)], null],
    ["light", [ask("dark", null)], "dark"],
    ["what explains the rest", [ask("no-face", null), ask("covered", null)], "covered"],
    ["nothing that says itself elsewhere", [ask("network-gap", null)], null],
  ])("is %s", (_, asks, kind) => {
    expect(askedNow(asks)).toBe(kind);
  });

  it("is said in words, and nothing is said for nothing", () => {
    expect(askWords("dark")).toContain(room.asks.now.dark);
    expect(askWords(null)).toBe("");
  });
});

describe("how long it lasted", () => {
  it("is summed for each kind, and goes on while it does", () => {
    const asks = [ask("dark", 30), ask("dark", null), ask("covered", 5), ask("camera-lost", 9)];
    expect(lasted({ asks: [...asks, ask("network-gap", 9)] }, START + MINUTE)).toEqual([
      ["camera-lost", 9 * SECOND],
      ["covered", 5 * SECOND],
      ["dark", 90 * SECOND],
    ]);
  });

  it("is not told where there is nothing to tell", () => {
    expect(lasted({ asks: [ask("dark", 0.4)] }, START)).toEqual([]);
  });

  it("counts what is listed no more", () => {
    const asked_before = [
      { kind: "dark", seconds: 60 },
      { kind: "frozen", seconds: 2.5 },
    ];
    expect(lasted({ asks: [ask("dark", 30)], asked_before }, START)).toEqual([
      ["dark", 90 * SECOND],
      ["frozen", 2500],
    ]);
  });
});
