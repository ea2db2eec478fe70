import { describe, expect, it } from "vitest";
import {
  alike,
  type AskingAct,
  batches,
  confirmable,
  draftOf,
  fits,
  interruptions,
  interrupts,
  isInterruptedEnough,
  lacks,
  remembered,
  secondsOf,
  sentOf,
  unfit,
  withReady,
  wordsOf,
} from "../../src/console/acts";
import { readersOf } from "../../src/console/act-dialog";
import { wall as words } from "../../src/text/wall";
import { START } from "../made";
import { proposed, REASONS, tile } from "./wall-made";

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

  it("that resumes may say why, and need not", () => {
    const resume = draftOf("resume", ["s_1"], { code: "technical/network" });
    expect([lacks({ ...resume, code: "" }), sentOf({ ...resume, code: "" })]).toEqual([[], { act: "resume" }]);
    expect(remembered(whole("resume")).code).toBeUndefined();
    expect(sentOf(whole("resume"))).toMatchObject({ code: "technical/network", note: "Your line was down." });
    expect([words.act.note("resume"), words.act.note("pause")]).toEqual(["Note (may be left out)", "Note"]);
  });

  it("that confirms lacks nothing and sends nothing but itself", () => {
    const ofBySession = { s_1: "a3" };
    const draft = draftOf("confirm-terminate", ["s_1"], {}, { ofBySession });
    expect([lacks(draft), sentOf(draft)]).toEqual([[], { act: "confirm-terminate", ofBySession }]);
  });

  it("that lets a device in may say why, and one that refuses it must", () => {
    const ofBySession = { s_1: "d_2" };
    const admit = draftOf("admit-device", ["s_1"], {}, { ofBySession });
    expect([lacks(admit), sentOf(admit)]).toEqual([[], { act: "admit-device", ofBySession }]);
    const refuse = draftOf("refuse-device", ["s_1"], {}, { ofBySession });
    expect(lacks(refuse)).toEqual(["code"]);
    expect(lacks({ ...refuse, code: "other/other", note: "x".repeat(2001) })).toEqual(["shorter"]);
    expect(sentOf({ ...refuse, code: "other/other", note: " No. " })).toEqual({
      act: "refuse-device",
      code: "other/other",
      note: "No.",
      ofBySession,
    });
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
    const draft = draftOf("pause", ["s_2"], remembered(whole("pause")));
    expect([draft.code, draft.note]).toEqual(["technical/network", ""]);
  });

  it.each(["admit-device", "refuse-device"] as const)("of %s starts from no reason given to another", (kind) => {
    expect(draftOf(kind, ["s_2"], remembered(whole(kind))).code).toBe("");
  });

  it("that undoes lacks nothing and sends nothing but itself", () => {
    const ofBySession = { s_1: "a1" };
    const draft = draftOf("undo", ["s_1"], {}, { ofBySession });
    expect([lacks(draft), sentOf(draft)]).toEqual([[], { act: "undo", ofBySession }]);
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
    expect(fits("ask-id", tile("a", { id_check: "accepted" }))).toBe(true);
    expect(fits("ask-id", tile("a", { id_check: "retake" }))).toBe(false);
    expect(fits("ask-id", tile("a", { state: "invited", id_check: "awaited" }))).toBe(false);
    expect(unfit("pause", tile("a", { state: "paused" }))).toBe("paused");
    expect(unfit("pause", tile("a", { state: "ready" }))).toBe("not-running");
    expect([fits("restore-rule", tile("a")), fits("restore-rule", tile("a", { lifted: ["dark"] }))]).toEqual([false, true]);
    const over = tile("a", { state: "submitted" });
    expect([fits("message", over), fits("irregularity", over)]).toEqual([false, true]);
  });

  it("is a confirmation only where somebody proposes to end it", () => {
    const ends = tile("a", { termination: proposed() });
    expect([fits("confirm-terminate", tile("a")), fits("terminate", ends)]).toEqual([false, false]);
    expect([fits("confirm-terminate", ends), fits("terminate", tile("a"))]).toEqual([true, true]);
  });

  it("is confirmed for many by the proposals of others, each said once", () => {
    const network = proposed({ code: "technical/network", note: "The line." });
    const tiles = [
      tile("a", { learner: "Ada", termination: network }),
      tile("b", { learner: "Ben", termination: { ...network, act: "a4", lapses_at_ms: 5 } }),
      tile("c", { learner: "Cem", termination: proposed({ act: "a2", note: "Another." }) }),
      tile("d", { termination: proposed({ by: "noor" }) }),
      tile("e"),
    ];
    const ofBySession = confirmable(tiles, "noor");
    expect(ofBySession).toEqual({ a: "a1", b: "a4", c: "a2" });
    // What stands there by now in the place of what was read is not shown as read.
    const later = [...tiles.slice(0, 2), tile("c", { termination: proposed({ act: "a9" }) })];
    expect(alike(tiles, ofBySession).map(({ note, learners }) => [note, learners])).toEqual([
      ["The line.", ["Ada", "Ben"]],
      ["Another.", ["Cem"]],
    ]);
    expect(alike(later, ofBySession).map(({ note }) => note)).toEqual(["The line."]);
  });
});

describe("an announcement", () => {
  it("is read by who has joined and goes on, and it is said who gets nothing of it", () => {
    const all = [
      tile("a"),
      tile("b", { state: "paused" }),
      tile("c", { state: "invited" }),
      tile("d", { state: "expired" }),
      tile("e", { state: "submitted" }),
      tile("f", { exam: "alg" }),
    ];
    expect(readersOf(all, "sds")).toEqual({ sessions: ["a", "b"], later: 1, over: 2 });
    expect(words.announce.goesTo(2)).toBe("It goes to 2 learners.");
    expect(words.announce.others(1, 2)).toBe("1 is not here yet and will not read it. Of 2 the exam is over.");
    expect(words.announce.others(0, 0)).toBe("");
    expect(words.announce.submit(2)).toBe("Send to all (2)");
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
    expect(words.reads("admit-device", "", none)).toBe("A proctor let your other computer in.");
    expect(words.reads("refuse-device", network, none)).toBe(
      "A proctor did not let another computer in: network.",
    );
    expect(words.reads("extra-time", network, { ...none, seconds: 300 })).toBe(
      "A proctor gave you 5 minutes more: network.",
    );
    expect(words.reads("irregularity", network, { ...none, of: "system" })).toBe(
      "A proctor noted an irregularity of the system: network.",
    );
  });
});

describe("before a learner is interrupted", () => {
  const told = (changed: object) =>
    tile("a", { interrupted: { messages: 2, pauses: 1, requests: 0, last_ms: START, at_most: 0, ...changed } });

  it("it is said how often that was done, and in which ways", () => {
    expect(interruptions(tile("a"))).toBe(0);
    expect(interruptions(told({ requests: 4 }))).toBe(7);
    expect(words.interrupted.one(null, "")).toBe("Proctors have not interrupted this learner so far.");
    expect(words.interrupted.one(told({}).interrupted, "4 minutes")).toBe(
      "Interrupted 3 times so far (2 messages, 1 pause), last 4 minutes ago.",
    );
    expect(words.interrupted.many(0, 12, "")).toBe("Proctors have interrupted none of these 12 learners so far.");
    expect(words.interrupted.many(5, 12, "40 seconds")).toBe("Interrupted so far: 5 of 12 learners, last 40 seconds ago.");
  });

  it("a proctor is warned where the policy says a number, and one more is beyond it", () => {
    const enough = (at_most: number) => isInterruptedEnough(told({ at_most }));
    expect([enough(0), enough(2), enough(3), enough(4)]).toEqual([false, true, true, false]);
    expect(isInterruptedEnough(tile("a"))).toBe(false);
  });

  it("no act counts that gives something or answers", () => {
    const kinds = ["message", "pause", "ask-still", "ask-id", "resume", "extra-time", "answer"] as const;
    expect(kinds.filter(interrupts)).toEqual(["message", "pause", "ask-still", "ask-id"]);
  });
});

describe("a ready sentence", () => {
  const { ready } = words;

  it("fills an empty note, takes the place of another, and leaves a person's own words", () => {
    const [first = "", second = ""] = ready.act("message", "");
    expect(withReady(" ", first, ready.all)).toBe(first);
    expect(withReady(first, second, ready.all)).toBe(second);
    expect(withReady("Hello Ada.", first, ready.all)).toBe(`Hello Ada. ${first}`);
    expect(withReady(`${first} Thanks.`, second, ready.all)).toBe(`${first} Thanks. ${second}`);
  });

  it("is there for each act with a note, and those of the reason's category come first", () => {
    for (const act of ["message", "pause", "extra-time", "terminate"] as const)
      expect(ready.act(act, "").length).toBeGreaterThan(0);
    expect(ready.act("undo", "")).toEqual([]);
    const [first] = ready.act("pause", "technical/network");
    expect(first).toBe("Something technical went wrong. You did nothing wrong.");
    expect(ready.act("pause", "of-a-newer-server/x")).toEqual(ready.act("pause", ""));
  });

  it("can be sent as it is: no place is left to fill in, and nothing is shouted", () => {
    for (const sentence of ready.all) expect(sentence).toMatch(/^[A-Z][^!…_[\]<>]*[.?]$/);
    for (const category of ["environment", "learner", "staff", "technical", "other"])
      for (const sentence of ready.announcement(`${category}/x`)) expect(ready.all).toContain(sentence);
  });
});
