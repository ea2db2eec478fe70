import { describe, expect, it, test } from "vitest";
import type { Snapshot } from "../../src/api";
import {
  afterOf,
  answerProblem,
  contestOf,
  fileProblem,
  MAX_ALL_CHARS,
MAX_FILE_BYTES,
  MAX_FILES,
  MAX_TEXT_CHARS,
  mayAnswer,
  momentsOf,
  placeOf,
  spanOf,
  spread,
} from "../../src/room/after";
import { after } from "../../src/text/after";
import { flag, MINUTE, SECOND, snapshot, START } from "../made";

const section = {
  id: "a",
  title: "Part A",
  state: "closed",
  limit_s: 600,
  opened_at_ms: START,
  closes_at_ms: START + 10 * MINUTE,
  closed_at_ms: START + 9 * MINUTE,
  closed_by: "handed-in",
};
const act = { id: "a1", act: "pause", words: "A proctor paused your exam: network.", note: "Soon." };

const timeline = (more: object = {}) => ({
  session: { session: "s_1", now_ms: START + 20 * MINUTE, sections: [section] },
  review: "decided",
  outcome: "breach",
  reasons: "Two people.",
  snapshots: [snapshot(2), snapshot(1)],
  flags: [{ ...flag("f1"), outcome: "upheld", reason: "I see two." }],
  gaps: [],
  ledger: [],
  answers: [],
  messages: [],
  acts: [],
  contest: null,
  contest_until_ms: START + 60 * MINUTE,
  ...more,
});
const told = (more: object = {}) => afterOf(timeline(more), { results_held: true }, []);

describe("what is told after the exam", () => {
  it("is put together by time", () => {
    const all = told();
    expect(all.snapshots.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(all.flags?.[0]).toMatchObject({ outcome: "upheld", reason: "I see two." });
    expect(all.decision).toEqual({
      state: "decided",
      outcome: "breach",
      reasons: "Two people.",
      contest_until_ms: START + 60 * MINUTE,
      results_held: true,
    });
  });

  it("before the decision says nothing of flags, which is not that there are none", () => {
    const awaiting = { review: "awaiting", outcome: null, reasons: null, contest_until_ms: null };
    expect(told({ ...awaiting, flags: null }).flags).toBeNull();
    expect(told({ flags: [] }).flags).toEqual([]);
  });

  it("says that nobody had to judge it, where results were released without a verdict", () => {
    const quiet = { review: "awaiting", released_unjudged: true, outcome: null, flags: [] };
    const { decision } = told({ ...quiet, reasons: null, contest_until_ms: null });
    expect(decision.state).toBe("unjudged");
    expect(after.decision.state[decision.state]).toContain("Nobody had to judge your exam");
  });

  it("has the answer that was given, flag by flag", () => {
    const contest = {
      text: "It was my sister.",
      flags: [{ flag: "f1", text: "She brought tea." }],
      attachments: [{ name: "tea.txt", sha256: "ab", size: 3, type: "text/plain" }],
      at_ms: START,
      until_ms: null,
    };
    const { answered } = told({ contest });
    expect(answered?.flags.get("f1")).toBe("She brought tea.");
    expect(answered?.attachments).toHaveLength(1);
  });
});

describe("an answer", () => {
  it.each([
    ["can be given to a decision, within its days", {}, true],
    ["can't be given before", { review: "awaiting", contest_until_ms: null }, false],
    ["can't be given once the days are over", { contest_until_ms: START }, false],
    ["can't be given where there are no days", { contest_until_ms: null }, false],
    ["can't be given twice", { contest: { text: "", flags: [], at_ms: START } }, false],
    ["can't be given to what is final", { review: "final", contest_until_ms: null }, false],
  ])("%s", (_name, more, may) => {
    expect(mayAnswer(told(more))).toBe(may);
  });

  it.each([
    ["nothing at all", "", "", after.answer.problem.nothing],
    ["blanks alone", " \n", "  ", after.answer.problem.nothing],
    ["words to one flag", "", "No.", null],
    ["words to the decision", "No.", "", null],
    ["as much as is taken", "x".repeat(MAX_TEXT_CHARS), "", null],
    ["too much", "x".repeat(MAX_TEXT_CHARS + 1), "", after.answer.problem.long(MAX_TEXT_CHARS)],
  ])("of %s", (_name, words, toFlag, problem) => {
    expect(answerProblem(words, new Map([["f1", toFlag]]))).toBe(problem);
  });

  it("of ten pages is the most in all", () => {
    const full = "x".repeat(MAX_TEXT_CHARS);
    const flags = new Map(Array.from({ length: 9 }, (_, at) => [`f${at}`, full]));
    expect(answerProblem(full, flags)).toBeNull();
    flags.set("f9", "x");
    const { longInAll } = after.answer.problem;
    expect(answerProblem(full, flags)).toBe(longInAll(MAX_ALL_CHARS + 1, MAX_ALL_CHARS));
  });

  it("names the flags that it answers, and no others", () => {
    const flags = new Map([
      ["f1", " She brought tea. "],
      ["f2", "  "],
    ]);
    expect(contestOf(" Hm. ", flags, [])).toEqual({
      text: "Hm.",
      flags: [{ flag: "f1", text: "She brought tea." }],
      attachments: [],
    });
  });

  const file = (size: number) => ({ name: "a.pdf", type: "application/pdf", size });
  const { problem } = after.answer;
  test.each([
    ["a small one", 0, file(1), null],
    ["the largest there can be", MAX_FILES - 1, file(MAX_FILE_BYTES), null],
    ["one too many", MAX_FILES, file(1), problem.many("a.pdf", MAX_FILES)],
    ["one too large", 0, file(MAX_FILE_BYTES + 1), problem.large("a.pdf", MAX_FILE_BYTES)],
    ["an empty one", 0, file(0), problem.empty("a.pdf")],
    ["one that no name can be", 0, { ...file(1), name: "a\\b.pdf" }, problem.named("a\\b.pdf")],
  ])("with a file, %s", (_name, there, added, why) => {
    expect(fileProblem(there, added)).toBe(why);
  });

  test("that is to be sent says how many files go along", () => {
    const { goesAlong, notAdded } = after.answer;
    expect([0, 1, 2].map(goesAlong)).toEqual([
      "No file goes along.",
      "1 file goes along:",
      "2 files go along:",
    ]);
    expect([notAdded(1, 1), notAdded(2, 2), notAdded(1, 3), notAdded(2, 3)]).toEqual([
      "The file was not added:",
      "None of the 2 files was added:",
      "1 of the 3 files was not added:",
      "2 of the 3 files were not added:",
    ]);
  });
});

describe("the exam in time", () => {
  it("is told in words, by time", () => {
    const at = (minutes: number) => START + minutes * MINUTE;
    const words = momentsOf(
      told({
        flags: [{ ...flag("f1", { started_at_ms: at(3) }), outcome: null, reason: "" }],
        gaps: [
          { of: "capture", cause: "camera", from_ms: at(4), to_ms: at(4) + 40 * SECOND },
          { of: "contact", cause: "network", from_ms: at(5), to_ms: at(6) },
        ],
        ledger: [{ section: "a", seconds: 60, cause: "outage", reason: "", at_ms: at(6) }],
        messages: [
          { at_ms: at(1), topic: "question", text: "May I drink?", raised: null },
          { at_ms: at(2), topic: "hand", text: "", raised: false },
        ],
        acts: [{ ...act, at_ms: at(7) }],
      }),
    );
    expect(words.map((moment) => `${moment.words} ${moment.note}`.trim())).toEqual([
      "Part A was opened.",
      "You wrote: “May I drink?”",
      "You lowered your hand.",
      "Flag: more than 1 person for 5 seconds.",
      "No pictures were taken for 40 seconds: the camera gave no picture.",
      "The exam server heard nothing for 1 minute: the network was down.",
      "1 minute given to Part A: the exam server had not heard of this computer.",
      "A proctor paused your exam: network. Soon.",
      "Part A was handed in.",
    ]);
  });

  it("goes from the first to the last, and is never empty", () => {
    expect(spanOf(told())).toEqual({ from_ms: START, to_ms: START + 9 * MINUTE });
    const nothing = told({ session: { now_ms: 5 }, snapshots: [] });
    expect(spanOf(nothing)).toEqual({ from_ms: 4, to_ms: 5 });
  });

  it("finds a picture by the record that names it", () => {
    const snapshots: Snapshot[] = [snapshot(1), snapshot(2), snapshot(2, { device: "d_phone" })];
    expect(placeOf(snapshots, { device: "d_phone", seq: 2, sha256: "" })).toBe(2);
    expect(placeOf(snapshots, { device: "d_phone", seq: 9, sha256: "" })).toBe(-1);
  });
});

test.each([
  [[1, 2, 3], 4, [1, 2, 3]],
  [[1, 2, 3, 4, 5, 6, 7], 4, [1, 3, 5, 7]],
])("of %j at most %i, spread evenly, are %j", (things, most, shown) => {
  expect(spread(things, most)).toEqual(shown);
});
