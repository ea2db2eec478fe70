import { describe, expect, it } from "vitest";
import {
  type AskingAct,
  batches,
  draftOf,
  fits,
  lacks,
  secondsOf,
  sentOf,
  wordsOf,
} from "../../src/console/acts";
import { wall as words } from "../../src/text/wall";
import { REASONS, tile } from "./wall-made";

const whole = (act: AskingAct) =>
  draftOf(act, ["s_1"], {}, { code: "technical/network", note: "Your line was down." });

describe("an act", () => {
  it("lacks its reason and its note, and says so", () => {
    expect(lacks(draftOf("pause", ["s_1"]))).toEqual(["code", "note"]);
    expect(lacks(whole("pause"))).toEqual([]);
  });

  it("of a message lacks the message alone", () => {
    expect(lacks(draftOf("message", ["s_1"]))).toEqual(["note"]);
    expect(lacks(draftOf("message", ["s_1"], {}, { note: "Hello" }))).toEqual([]);
  });

  it("that confirms lacks nothing and sends nothing but itself", () => {
    const draft = draftOf("confirm-terminate", ["s_1"], {}, { proposal: "a3" });
    expect([lacks(draft), sentOf(draft)]).toEqual([[], { act: "confirm-terminate", of: "a3" }]);
  });

  it("lacks a rule to lift, a time to give, and fewer words", () => {
    expect(lacks(whole("lift-rule"))).toEqual(["rule"]);
    expect(lacks({ ...whole("extra-time"), minutes: "soon" })).toEqual(["minutes"]);
    expect(lacks({ ...whole("pause"), note: "x".repeat(2001) })).toEqual(["shorter"]);
  });

  it("is sent with what it is about, and with nothing else", () => {
    const why = { code: "technical/network", note: "Your line was down." };
    expect(sentOf({ ...whole("extra-time"), minutes: "2,5" })).toEqual({
      act: "extra-time",
      ...why,
      seconds: 150,
    });
    expect(sentOf({ ...whole("lift-rule"), rule: "dark" })).toMatchObject({ rule: "dark" });
    expect(sentOf(whole("irregularity"))).toEqual({ act: "irregularity", ...why, of: "room" });
  });

  it("starts from the reason that was last chosen, with a note of its own", () => {
    const draft = draftOf("pause", ["s_1"], { code: "technical/network" });
    expect([draft.code, draft.note]).toEqual(["technical/network", ""]);
  });
});

describe("minutes", () => {
  it.each([
    ["5", 300],
    [" 0.5 ", 30],
    ["1440", 86_400],
    ["1441", null],
    ["0", null],
    ["-5", null],
    ["five", null],
    ["", null],
  ])("%j are %j seconds", (typed, seconds) => {
    expect(secondsOf(typed)).toBe(seconds);
  });
});

describe("what fits a session", () => {
  it("is no pause of one who is paused, and nothing but a note of one that is over", () => {
    expect(fits("pause", tile("a", { state: "paused" }))).toBe(false);
    expect(fits("resume", tile("a", { state: "paused" }))).toBe(true);
    expect(fits("extra-time", tile("a", { section: "" }))).toBe(false);
    const over = tile("a", { state: "submitted" });
    expect([fits("message", over), fits("irregularity", over)]).toEqual([false, true]);
  });

  it("is a confirmation only where somebody proposes to end it", () => {
    const proposed = tile("a", { termination: { by: "sam", lapses_at_ms: 0 } });
    expect([fits("confirm-terminate", tile("a")), fits("terminate", proposed)]).toEqual([false, false]);
    expect([fits("confirm-terminate", proposed), fits("terminate", tile("a"))]).toEqual([true, true]);
  });
});

describe("a batch", () => {
  it("is sent by exam, in parts that the server takes; who is gone is left out", () => {
    const exam = (session: string) => (session === "gone" ? null : session.slice(0, 1));
    expect(batches(["a1", "b1", "a2", "gone", "a3"], exam, 2)).toEqual([
      { exam: "a", sessions: ["a1", "a2"] },
      { exam: "b", sessions: ["b1"] },
      { exam: "a", sessions: ["a3"] },
    ]);
  });
});

describe("what the learner will read", () => {
  it("is worded as the server words it", () => {
    const network = wordsOf(REASONS, "technical/network");
    const none = { seconds: null, rule: "", of: "room" };
    expect(words.reads("pause", network, none)).toBe("A proctor paused your exam: network.");
    expect(words.reads("message", "", none)).toBe("A proctor wrote to you.");
    expect(words.reads("extra-time", network, { ...none, seconds: 300 })).toBe(
      "A proctor gave you 5 minutes more: network.",
    );
    expect(words.reads("irregularity", network, { ...none, of: "system" })).toBe(
      "A proctor noted an irregularity of the system: network.",
    );
  });
});
