import { describe, expect, it } from "vitest";
import type { Outcome, Review, ReviewState } from "../../src/api";
import * as form from "../../src/console/verdict";
import { flag } from "../made";

const FLAGS = [flag("one"), flag("two"), flag("dark", { flag_class: "quality" })];
const WHOLE: form.Draft = {
  outcome: "clear",
  reasons: "  The second face is a poster.  ",
  judged: { one: "not-upheld", two: "cannot-tell" },
};

describe("the verdict form", () => {
  it("says all that is missing, in the page's order", () => {
    expect(form.missing(form.EMPTY, FLAGS)).toEqual([
      { what: "judgement", flag: "one" },
      { what: "judgement", flag: "two" },
      { what: "outcome" },
      { what: "reasons" },
    ]);
  });

  it("never asks for a judgement of quality, and never sends one", () => {
    const draft = { ...WHOLE, judged: { ...WHOLE.judged, dark: "upheld" as const } };
    expect(form.missing(draft, FLAGS)).toEqual([]);
    expect(form.given(draft, FLAGS)?.flags.map((each) => each.flag)).toEqual(["one", "two"]);
  });

  it("sends what was filled in, trimmed, and nothing while something is missing", () => {
    expect(form.given(WHOLE, FLAGS)).toEqual({
      outcome: "clear",
      reasons: "The second face is a poster.",
      flags: [
        { flag: "one", outcome: "not-upheld" },
        { flag: "two", outcome: "cannot-tell" },
      ],
    });
    expect(form.given({ ...WHOLE, outcome: null }, FLAGS)).toBeNull();
    expect(form.given({ ...WHOLE, reasons: " \n\t" }, FLAGS)).toBeNull();
    expect(form.given({ ...WHOLE, judged: {} }, FLAGS)).toBeNull();
  });

  it("forgets judgements of flags that are not there", () => {
    const draft = { ...WHOLE, judged: { ...WHOLE.judged, gone: "upheld" as const } };
    expect(form.given(draft, FLAGS)?.flags).toHaveLength(2);
  });

  it("counts reasons as the server does: an emoji is one character", () => {
    expect(form.missing({ ...WHOLE, reasons: "😀".repeat(4000) }, FLAGS)).toEqual([]);
    expect(form.missing({ ...WHOLE, reasons: "x".repeat(4001) }, FLAGS)).toEqual([
      { what: "shorter" },
    ]);
  });

  it("takes a judgement back when it is given twice, and changes no other draft", () => {
    const once = form.judge(form.EMPTY, "one", "upheld");
    expect(once.judged).toEqual({ one: "upheld" });
    expect(form.judge(once, "one", "cannot-tell").judged).toEqual({ one: "cannot-tell" });
    expect(form.judge(once, "one", "upheld").judged).toEqual({});
    expect(form.EMPTY.judged).toEqual({});
  });
});

describe("what a verdict will do", () => {
  const cases: [ReviewState, Outcome, form.Effect][] = [
    ["awaiting", "breach", "asks-second"],
    ["awaiting", "clear", "decides"],
    ["awaiting", "void", "decides"],
    ["awaiting", "inconclusive", "decides"],
    ["second-needed", "breach", "confirms"],
    ["second-needed", "clear", "asks-third"],
    ["second-needed", "inconclusive", "asks-third"],
    ["third-needed", "breach", "settles"],
    ["third-needed", "clear", "settles"],
  ];
  it.each(cases)("%s, %s: %s", (state, outcome, effect) => {
    expect(form.effectOf({ state, outcome: null, verdicts: [] }, outcome)).toBe(effect);
  });

  it("promises no second person where the policy asks for one alone", () => {
    const review: Review = { state: "awaiting", outcome: null, verdicts: [], adverse_needs: 1 };
    expect(form.effectOf(review, "breach")).toBe("decides");
  });

  it("asks once more for a breach alone", () => {
    expect(form.OUTCOMES.filter(form.needsConfirming)).toEqual(["breach"]);
  });

  it("doubts a verdict that its flags do not carry", () => {
    expect(form.doubt({ ...WHOLE, outcome: "breach" })).toBe("breach-without-upheld");
    expect(form.doubt({ ...WHOLE, judged: { one: "upheld" } })).toBe("clear-with-upheld");
    expect(form.doubt({ ...WHOLE, outcome: "breach", judged: { one: "upheld" } })).toBeNull();
    expect(form.doubt(WHOLE)).toBeNull();
  });
});
