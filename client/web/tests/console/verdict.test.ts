import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Outcome, Review, ReviewState } from "../../src/api";
import * as form from "../../src/console/verdict";
import { FLAG_REASONS, SESSION_REASONS } from "../../src/text/reasons";
import { flag } from "../made";

const FLAGS = [flag("one"), flag("two"), flag("dark", { flag_class: "quality" })];
const WHOLE: form.Draft = {
  outcome: "clear",
  reasons: "  The second face is a poster.  ",
  judged: {
    one: { outcome: "not-upheld", reason: "A poster." },
    two: { outcome: "cannot-tell", reason: " Too dark. " },
  },
};
const UPHELD: form.Judged = { outcome: "upheld", reason: "Seen." };

it("offers the sentences that the server knows: a breach needs more than these", () => {
  const known: unknown = JSON.parse(
    readFileSync(new URL("../../../../tests/vectors/verdict-sentences.json", import.meta.url), "utf8"),
  );
  expect(SESSION_REASONS.map(({ words }) => words)).toEqual(known);
});

it("offers no sentence that speaks to its reader, the learner, of somebody else", () => {
  const all = [...SESSION_REASONS.map(({ words }) => words), ...Object.values(FLAG_REASONS).flat()];
  expect(all.filter((words) => /\blearner/.test(words))).toEqual([]);
});

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
    const draft = { ...WHOLE, judged: { ...WHOLE.judged, dark: UPHELD } };
    expect(form.missing(draft, FLAGS)).toEqual([]);
    expect(form.given(draft, FLAGS)?.flags.map((each) => each.flag)).toEqual(["one", "two"]);
  });

  it("sends what was filled in, trimmed, and nothing while something is missing", () => {
    expect(form.given(WHOLE, FLAGS)).toEqual({
      outcome: "clear",
      reasons: "The second face is a poster.",
      flags: [
        { flag: "one", outcome: "not-upheld", reason: "A poster." },
        { flag: "two", outcome: "cannot-tell", reason: "Too dark." },
      ],
    });
    expect(form.given({ ...WHOLE, outcome: null }, FLAGS)).toBeNull();
    expect(form.given({ ...WHOLE, reasons: " \n\t" }, FLAGS)).toBeNull();
    expect(form.given({ ...WHOLE, judged: {} }, FLAGS)).toBeNull();
  });

  it("forgets judgements of flags that are not there", () => {
    const draft = { ...WHOLE, judged: { ...WHOLE.judged, gone: UPHELD } };
    expect(form.given(draft, FLAGS)?.flags).toHaveLength(2);
  });

  it("counts reasons as the server does: an emoji is one character", () => {
    expect(form.missing({ ...WHOLE, reasons: "😀".repeat(4000) }, FLAGS)).toEqual([]);
    expect(form.missing({ ...WHOLE, reasons: "x".repeat(4001) }, FLAGS)).toEqual([
      { what: "shorter" },
    ]);
  });

  it("takes no sentence for a reason that denies what stands above it", () => {
    const denies = { ...WHOLE, reasons: `I looked twice.\n${form.NONE_UPHELD}` };
    const upheld = { ...denies, judged: { ...denies.judged, one: UPHELD } };
    expect(form.missing(upheld, FLAGS)).toEqual([{ what: "untrue" }]);
    const not = { outcome: "not-upheld", reason: "A poster." } as const;
    expect(form.missing({ ...denies, judged: { one: not, two: not } }, FLAGS)).toEqual([]);
  });

  it("asks for words of one's own where no flag says what the breach was", () => {
    const all = [{ outcome: "breach", words: "Somebody helped." }] as const;
    const chosen = form.sentence(WHOLE, all[0], all);
    expect(chosen.reasons).toBe("  The second face is a poster.  \nSomebody helped.");
    expect(form.missing(chosen, FLAGS, all)).toEqual([]);
    const alone = { ...chosen, reasons: " Somebody helped. \n" };
    expect(form.missing(alone, FLAGS, all)).toEqual([{ what: "own-words" }]);
    expect(form.given(alone, FLAGS, all)).toBeNull();
    const upheld = { ...alone, judged: { ...alone.judged, one: UPHELD } };
    expect(form.missing(upheld, FLAGS, all)).toEqual([]);
    expect(form.missing({ ...alone, outcome: "clear" }, FLAGS, all)).toEqual([]);
  });

  it("keeps no sentence that a judgement has made untrue, and what one wrote oneself", () => {
    const all = [
      { outcome: "clear", words: "None.", upheld: false },
      { outcome: "clear", words: "Small.", upheld: true },
      { outcome: "clear", words: "Calm." },
    ] as const;
    const said = { ...WHOLE, reasons: "My words.\nNone.\nSmall.\nCalm." };
    expect(form.trueStill(said, all).reasons).toBe("My words.\nNone.\nCalm.");
    const upheld = { ...said, judged: { one: UPHELD } };
    expect(form.trueStill(upheld, all).reasons).toBe("My words.\nSmall.\nCalm.");
    expect(form.trueStill(WHOLE, all)).toBe(WHOLE);
  });

  it("takes a judgement back when it is given twice, and changes no other draft", () => {
    const once = form.judge(form.EMPTY, "one", "upheld");
    expect(once.judged).toEqual({ one: { outcome: "upheld", reason: "" } });
    expect(form.judge(once, "one", "cannot-tell").judged["one"]?.outcome).toBe("cannot-tell");
    expect(form.judge(once, "one", "upheld").judged).toEqual({});
    expect(form.EMPTY.judged).toEqual({});
  });

  it("keeps a reason of one's own when the judgement changes, and no sentence of the other", () => {
    const own = form.because(form.judge(form.EMPTY, "one", "upheld"), "one", "I know her.");
    expect(form.judge(own, "one", "not-upheld", ["Seen."]).judged["one"]?.reason).toBe("I know her.");
    const chosen = form.because(own, "one", "Seen.");
    expect(form.judge(chosen, "one", "not-upheld", ["Seen."]).judged["one"]?.reason).toBe("");
  });

  it("asks for the reason of each flag, and for one that is short enough", () => {
    const bare = form.judge(WHOLE, "one", "upheld", ["A poster."]);
    expect(form.missing(bare, FLAGS)).toEqual([{ what: "flag-reason", flag: "one" }]);
    const long = form.because(bare, "one", "x".repeat(501));
    expect(form.missing(long, FLAGS)).toEqual([{ what: "flag-shorter", flag: "one" }]);
  });

  it("gives no reason to a flag that nobody has judged", () => {
    expect(form.because(form.EMPTY, "one", "x")).toBe(form.EMPTY);
  });

  it("puts a sentence below one's own words, in the place of the sentence before", () => {
    const all: form.Sentence[] = [
      { outcome: "clear", words: "Nothing." },
      { outcome: "breach", words: "Helped." },
    ];
    const [clear, breach] = all as [form.Sentence, form.Sentence];
    const once = form.sentence({ ...form.EMPTY, reasons: "I looked twice." }, clear, all);
    expect([once.outcome, once.reasons]).toEqual(["clear", "I looked twice.\nNothing."]);
    const then = form.sentence(once, breach, all);
    expect([then.outcome, then.reasons]).toEqual(["breach", "I looked twice.\nHelped."]);
  });

  it.each([
    ["the first that lacks a judgement", form.EMPTY, 0, 0],
    ["the next one, from where one is", form.EMPTY, 1, 1],
    ["round the end, and never a quality flag", form.EMPTY, 2, 0],
    ["none once all have their reasons", WHOLE, 0, -1],
  ])("leads to %s", (_, draft, from, place) => {
    expect(form.nextLacking(draft, FLAGS, from)).toBe(place);
  });
});

describe("what a verdict will do", () => {
  const cases: [ReviewState, Outcome, form.Effect][] = [
    ["awaiting", "breach", "needs-two"],
    ["awaiting", "clear", "counts"],
    ["awaiting", "void", "counts"],
    ["contested", "breach", "settles"],
    ["contested", "clear", "settles"],
  ];
  it.each(cases)("%s, %s: %s", (state, outcome, effect) => {
    expect(form.effectOf({ state, outcome: null, verdicts: [] }, outcome)).toBe(effect);
  });

  it("says the same to a first and to a second person", () => {
    for (const outcome of form.OUTCOMES) {
      const [one, other] = (["awaiting", "second-needed"] as const).map((state) =>
        form.effectOf({ state, outcome: null, verdicts: [] }, outcome),
      );
      expect(one).toBe(other);
    }
  });

  it("promises no second person where the policy asks for one alone", () => {
    const review: Review = { state: "awaiting", outcome: null, verdicts: [], adverse_needs: 1 };
    expect(form.effectOf(review, "breach")).toBe("counts-alone");
  });

  it("asks once more for a breach alone", () => {
    expect(form.OUTCOMES.filter(form.needsConfirming)).toEqual(["breach"]);
  });

  it("doubts a verdict that its flags do not carry", () => {
    expect(form.doubt({ ...WHOLE, outcome: "breach" })).toBe("breach-without-upheld");
    expect(form.doubt({ ...WHOLE, judged: { one: UPHELD } })).toBe("clear-with-upheld");
    expect(form.doubt({ ...WHOLE, outcome: "breach", judged: { one: UPHELD } })).toBeNull();
    expect(form.doubt(WHOLE)).toBeNull();
  });
});
