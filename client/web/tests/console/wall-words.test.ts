import { describe, expect, it } from "vitest";
import { marksOf, workWords } from "../../src/console/wall-grid";
import { conversation, happenings } from "../../src/console/wall-story";
import { wall as words } from "../../src/text/wall";
import { MINUTE, SECOND, START } from "../made";
import { act, live, tile } from "./wall-made";

describe("a tile says", () => {
  it("why its learner comes first, in the learner's own words where there are some", () => {
    const help = { topic: "question", text: "May I use the normal approximation, or is it exact?", since_ms: START };
    expect(words.why("help-question", tile("a", { help }), null)).toBe(
      "asks: May I use the normal approximation, or i…",
    );
    expect(words.why("help-question", tile("a"), null)).toBe("has a question");
    expect(words.why("conduct", tile("a", { conduct: 2 }), null)).toBe("2 conduct flags");
    expect(words.why("quality", tile("a", { quality: ["dark"] }), null)).toBe("too dark");
    const termination = { by: "sam", lapses_at_ms: START };
    expect(words.why("terminate-proposed", tile("a", { termination }), 42_300)).toBe("sam: end it? 43 s");
    expect(words.why("of-a-newer-server", tile("a"), null)).toBe("of a newer server");
  });

  it("how long is left, before the section that may be cut off", () => {
    expect(workWords(tile("a", { extra_s: 300 }), START)).toBe("30 min left · +5 min · Part A");
    expect(workWords(tile("a", { state: "paused", paused_since_ms: START }), START + 90 * SECOND)).toBe(
      "paused for 1 min",
    );
    expect(workWords(tile("a", { state: "submitted", section: "" }), START)).toBe("handed in");
    expect(workWords(tile("a"), START + 31 * MINUTE)).toBe("time is over · Part A");
  });

  it("what else there is, and not again what stands above", () => {
    const marks = (changed: object, after_ms = 0) => marksOf(tile("a", changed), START + after_ms);
    expect(marks({ conduct: 2, quality: ["dark"] })).toEqual(["2 conduct", "too dark"]);
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
    expect(happenings(session).map((one) => one.words)).toEqual([
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
    expect(conversation(session, tile("a", { learner: "Ada" })).map(({ from, text }) => [from, text])).toEqual([
      ["Ada raises a hand", ""],
      ["noor to the learner", "Move to the light."],
    ]);
  });
});
