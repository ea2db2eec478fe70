import { describe, expect, it } from "vitest";
import { given, marksOf, passed, rounded } from "../../src/room/countdown";

const MINUTE = 60_000;

describe("a timer", () => {
  it.each([
    ["two hours", 120, [60, 10, 5, 1]],
    ["twenty minutes, whose half is a mark already", 20, [10, 5, 1]],
    ["eight minutes", 8, [5, 4, 1]],
    ["four minutes", 4, [2, 1]],
    ["half a minute", 0.5, [0.25]],
  ])("speaks at half, 10, 5 and 1 minutes: %s", (_, length, marks) => {
    expect(marksOf(length * MINUTE)).toEqual(marks.map((mark) => mark * MINUTE));
  });

  it("speaks once at a mark, and not before", () => {
    const marks = marksOf(120 * MINUTE);
    expect(passed(10 * MINUTE + 1, 10 * MINUTE, marks)).toBe(10 * MINUTE);
    expect(passed(10 * MINUTE, 10 * MINUTE - 500, marks)).toBeNull();
    expect(passed(11 * MINUTE, 10 * MINUTE + 1, marks)).toBeNull();
  });

  it("says only what is true now after a sleep", () => {
    expect(passed(70 * MINUTE, 4 * MINUTE, marksOf(120 * MINUTE))).toBe(5 * MINUTE);
  });

  it("says nothing at the first look, after the end, and when time was given back", () => {
    const marks = marksOf(120 * MINUTE);
    expect(passed(Number.NaN, 4 * MINUTE, marks)).toBeNull();
    expect(passed(2 * MINUTE, 0, marks)).toBeNull();
    expect(passed(4 * MINUTE, 6 * MINUTE, marks)).toBeNull();
  });

  it.each([
    [20 * MINUTE + 900, 20 * MINUTE],
    [38 * MINUTE - 1, 38 * MINUTE],
    [37 * MINUTE + 1001, 38 * MINUTE],
    [MINUTE + 1001, 2 * MINUTE],
    [MINUTE + 1000, MINUTE],
    [MINUTE, 59_000],
    [51_001, 51_000],
    [9_000, 8_000],
    [-1, 0],
  ])("moves in minutes, and in seconds in the last one: %i ms", (left, shown) => {
    expect(rounded(left)).toBe(shown);
  });

  it("knows what was given back to a section, in whole seconds, and what was given", () => {
    const entry = (section: string, seconds: number, cause = "outage") => ({
      section,
      seconds,
      cause,
      reason: "",
      at_ms: 0,
    });
    const ledger = [entry("a", 120.7), entry("b", 60, "proctor"), entry("a", 29.5, "pause")];
    expect(given(ledger, "a")).toEqual({ length_ms: 150_000, back: true });
    expect(given(ledger, "b")).toEqual({ length_ms: 60_000, back: false });
    expect(given(ledger, "c").length_ms).toBe(0);
    expect(given([entry("a", -30)], "a").length_ms).toBe(0);
  });
});
