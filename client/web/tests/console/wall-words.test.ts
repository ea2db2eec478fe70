import { describe, expect, it } from "vitest";
import { alsoWords, marksOf, standsWords, workWords } from "../../src/console/wall-grid";
import { conversation, happenings, waiting } from "../../src/console/wall-story";
import { wall as words } from "../../src/text/wall";
import { flag, MINUTE, SECOND, START } from "../made";
import { act, live, proposed, story, tile } from "./wall-made";

describe("a tile says", () => {
  it("why its learner comes first, in the learner's own words where there are some", () => {
    const text = "May I use the normal approximation, or is it exact?";
    const help = { topic: "question", text, more: 0, since_ms: START };
    expect(words.why("help-question", tile("a", { help }), null)).toBe(
      "asks: May I use the normal approximation, or i…",
    );
    const two = { help: { ...help, text: "And a ruler?", more: 1 } };
    expect(words.why("help-question", tile("a", two), null)).toBe("asks: And a ruler? and 1 more");
    expect(words.why("help-hand", tile("a", two), null)).toBe("hand: And a ruler? and 1 more");
    expect(words.why("help-hand", tile("a"), null)).toBe("hand raised");
    expect(words.why("help-question", tile("a"), null)).toBe("has a question");
    expect(words.why("quality", tile("a", { quality: ["dark"] }), null)).toBe("too dark");
    const termination = proposed({ lapses_at_ms: START });
    expect(words.why("terminate-proposed", tile("a", { termination }), 42_300)).toBe("sam: end it? 43 s");
    expect(words.why("of-a-newer-server", tile("a"), null)).toBe("of a newer server");
  });

  it("what was flagged, and how many flags there are", () => {
    const why = (conduct: number, rule: string | null, value: number | null = null) =>
      words.why("conduct", tile("a", { conduct, flagged: rule === null ? null : { rule, value } }), null);
    expect(why(1, "person-count", 2)).toBe("2 people");
    expect(why(3, "person-count", 2)).toBe("2 people, 3 flags");
    expect(why(1, "another-person", 0.2)).toBe("face may differ");
    expect(why(1, "left-page", 20)).toBe("left the page");
    expect(why(1, "of-a-newer-server", 1)).toBe("of a newer server");
    expect(why(2, null)).toBe("2 conduct flags");
  });

  it("of many who begin to need someone who the first are, and how many more", () => {
    expect(words.begun(["Ada: 2 people", "Ben: offline"])).toBe("Ada: 2 people. Ben: offline.");
    const many = ["Ada", "Ben", "Cy", "Di", "Eve"].map((name) => `${name}: offline`);
    expect(words.begun(many.slice(0, 4))).toBe(
      "Ada: offline. Ben: offline. Cy: offline. 1 more learner needs someone.",
    );
    expect(words.begun(many)).toContain("2 more learners need someone.");
  });

  it("how long is left, before the section that may be cut off", () => {
    expect(workWords(tile("a", { extra_s: 300 }), START)).toBe("30 min left · +5 min · Part A");
    const paused = { state: "paused", paused_since_ms: START };
    expect(workWords(tile("a", paused), START + 90 * SECOND)).toBe("paused for 1 min · 30 min left · Part A");
    expect(workWords(tile("a", { ...paused, section: "", ends_at_ms: null }), START + 90 * SECOND)).toBe(
      "paused for 1 min",
    );
    expect(workWords(tile("a", { state: "submitted", section: "" }), START)).toBe("handed in");
    expect(workWords(tile("a"), START + 31 * MINUTE)).toBe("time is over · Part A");
  });

  it("what the others are that it only counts", () => {
    const both = tile("a", { needs: ["help-hand", "offline", "conduct", "id-check-later"], conduct: 1 });
    expect(alsoWords(both)).toBe("Also: offline, 1 conduct flag");
    expect(alsoWords(tile("a", { needs: ["help-hand", "id-check-later"] }))).toBeUndefined();
  });

  it("what else there is, and not again what stands above", () => {
    const marks = (changed: object, after_ms = 0) => marksOf(tile("a", changed), START + after_ms);
    const flagged = { rule: "person-count", value: 2 };
    const seen = { conduct: 1, flagged, quality: ["dark"] };
    expect(marks(seen)).toEqual(["conduct: 2 people", "too dark"]);
    expect(marks({ needs: ["offline", "id-check-later"] })).toEqual(["ID check waits"]);
    // In plain: nobody waits for it.
    expect(marks({ needs: ["id-check-later"] })).toEqual(["ID check waits"]);
    expect(marks({ conduct: 2, needs: ["conduct"] })).toEqual([]);
    expect(marks({ quality: ["dark", "no-face"], needs: ["quality"] })).toEqual(["face not found"]);
    expect(marks({ waiting_devices: 1 })).toEqual(["another device asks"]);
    expect(marks({}, 19_000)).toEqual([]);
    expect(marks({}, 40_000)).toEqual(["heard 40 s ago"]);
    expect(marks({ connected: false }, 3000)).toEqual(["heard 3 s ago"]);
    expect(marks({ connected: false, heard_ms: null })).toEqual(["offline"]);
    expect(marks({ state: "submitted" }, 90_000)).toEqual([]);
  });
});

describe("the open session says", () => {
  it("when its learner was heard, connected or not", () => {
    const { contact } = words.session;
    expect(contact(true, 3400)).toBe("Connected: heard 3 s ago.");
    expect(contact(false, 63_000)).toBe("Offline: last heard 1 minute 3 seconds ago.");
    expect([contact(true, null), contact(false, null)]).toEqual(["Connected.", "Not connected."]);
    expect(words.session.leftAtPause("30 minutes")).toBe("Left of the section then: 30 minutes.");
  });
});

describe("the story of a session", () => {
  it("has acts, sections, asks and calls by time, the newest first", () => {
    const session = live("a", {
      acts: [act("a1", { at_ms: START + 2 * MINUTE })],
      sections: [
        {
          id: "a",
          title: "Part A",
          state: "closed",
          limit_s: 60,
          opened_at_ms: START,
          closes_at_ms: null,
          closed_at_ms: START + 3 * MINUTE,
          closed_by: "time-up",
        },
      ],
      asks: [{ kind: "dark", since_ms: START + MINUTE, until_ms: START + 2 * MINUTE, seconds: 60 }],
    });
    expect(happenings(session, null).map((one) => one.words)).toEqual([
      "Part A closed: time was up.",
      "A proctor paused your exam: network.",
      "Asked for help with the picture: too dark, lasted 1 minute.",
      "Part A opened.",
    ]);
  });

  it("has messages both ways, the oldest first", () => {
    const message = act("a1", { act: "message", note: "Move to the light.", at_ms: START + MINUTE });
    const session = live("a", {
      acts: [message, act("a2")],
      help: { topic: "hand", since_ms: START, answer: "", answered_at_ms: null },
    });
    const said = conversation(session, tile("a", { learner: "Ada" }), null);
    expect(said.map(({ from, text }) => [from, text])).toEqual([
      ["Ada raises a hand", ""],
      ["noor to the learner", "Move to the light."],
    ]);
  });

  const message = (seq: number, text: string, changed: object = {}) => ({
    device: "d_1",
    seq,
    at_ms: START + seq * MINUTE,
    topic: "question",
    text,
    raised: null,
    waits: true,
    ...changed,
  });

  it("keeps all that the learner asked, whatever came after it or was answered", () => {
    const long = "x".repeat(2000);
    const told = story({
      messages: [
        message(1, "one", { waits: false }),
        message(3, long),
        message(4, "two"),
        message(5, "", { topic: "hand", raised: true }),
        message(6, "", { topic: "hand", raised: false }),
      ],
      acts: [act("a0", { act: "answer", note: "Yes.", at_ms: START + 2 * MINUTE })],
    });
    const session = live("a", { acts: [act("a9", { act: "message", note: "All: five minutes.", at_ms: START + 7 * MINUTE })] });
    const ada = tile("a", { learner: "Ada", help: { topic: "question", text: "two", more: 1, since_ms: START } });
    expect(conversation(session, ada, told).map(({ from, text }) => [from, text])).toEqual([
      ["Ada has a question", "one"],
      ["noor to the learner", "Yes."],
      ["Ada has a question", long],
      ["Ada has a question", "two"],
      ["Ada raises a hand", ""],
      ["Ada takes the hand down", ""],
      ["noor to the learner", "All: five minutes."],
    ]);
    expect(waiting(ada, told)).toEqual({ texts: [long, "two"], missing: 0 });
  });

  it("has each message that waits, or says how many are missing, while the tile is newer", () => {
    const asks = (text: string, more: number) =>
      tile("a", { help: { topic: "question", text, more, since_ms: START } });
    const told = story({ messages: [message(1, "one")] });
    expect(waiting(asks("one", 0), told)).toEqual({ texts: ["one"], missing: 0 });
    expect(waiting(asks("two", 1), told)).toEqual({ texts: ["one", "two"], missing: 0 });
    expect(waiting(asks("three", 2), told)).toEqual({ texts: ["one", "three"], missing: 1 });
    expect(waiting(asks("two", 1), null)).toEqual({ texts: ["two"], missing: 1 });
    expect(waiting(asks("one", 0), story())).toEqual({ texts: ["one"], missing: 0 });
    // Cut short on the tile.
    const long = story({ messages: [message(1, "x".repeat(500))] });
    expect(waiting(asks("x".repeat(200), 0), long).texts).toEqual(["x".repeat(500)]);
    expect(waiting(tile("a"), story())).toEqual({ texts: [], missing: 0 });
    expect(words.session.moreWords(1)).toBe(
      "1 earlier message is not shown here yet: wait a moment, or open the whole timeline. Your answer closes it, too.",
    );
  });

  it("tells two that happened at once apart", () => {
    const gap = { device: "d_1", cause: "camera", of: "capture" as const, from_ms: START, to_ms: START + MINUTE };
    const told = story({
      messages: [message(1, "one", { at_ms: START }), message(2, "one", { at_ms: START })],
      gaps: [{ ...gap, seq: 3 }, { ...gap, seq: 4 }],
      flags: [flag("dark.d_1.3"), flag("dark.d_2.3")],
      acts: [act("a1"), act("a2")],
    });
    const keys = happenings(live("a"), told).map(({ key }) => key);
    expect([keys.length, new Set(keys).size]).toEqual([8, 8]);
  });

  it("says what was flagged, with its picture and whether it counts, and what is missing", () => {
    const still = { device: "d_1", seq: 9, sha256: "ab" };
    const told = story({
      flags: [
        flag("person-count.d_1.9", { times: 2, lasted_ms: 12_000, snapshots: [still] }),
        flag("dark.d_1.3", { flag_class: "quality", measurement: "light_mean", value: 12, threshold: 40, started_at_ms: START + MINUTE, snapshots: [] }),
      ],
      gaps: [{ device: "d_1", seq: 5, cause: "camera", of: "capture", from_ms: START + 2 * MINUTE, to_ms: START + 3 * MINUTE }],
    });
    const found = happenings(live("a"), told);
    expect(found.map((one) => [one.words, one.still])).toEqual([
      ["No pictures. Gap: camera, 1 minute.", null],
      ["Quality, never counted: Too little light (light 12 of 255; the rule's limit is 40), 30 seconds.", null],
      ["Conduct flag: More than one person (2 faces; the rule's limit is 1), 12 seconds in all, 2 times.", still],
    ]);
  });

  it("has an act once, as the session's view has it", () => {
    const told = story({ acts: [act("a1"), act("a2", { at_ms: START + MINUTE })] });
    const session = live("a", { acts: [act("a2", { at_ms: START + MINUTE, undone: true })] });
    expect(happenings(session, told).map((one) => [one.act?.id, one.act?.undone])).toEqual([
      ["a2", true],
      ["a1", false],
    ]);
  });
});

describe("how a session stands", () => {
  it.each([
    ["ID check refused", { state: "check-in", id_check: "refused" }],
    ["has opened the link", { state: "check-in", id_check: "awaited" }],
    ["at check-in", { state: "check-in", id_check: "captured" }],
    ["between sections", { section: "" }],
    ["working", {}],
  ])("is that of who %s", (stands, changed) => {
    expect(standsWords(tile("a", changed))).toBe(stands);
  });
});
