import { describe, expect, it } from "vitest";
import { happened, LANES, marks } from "../../src/console/happened";
import { desk } from "../../src/text/desk";
import { flag, MINUTE, START, timeline } from "../made";

const SESSION = {
  ...timeline().session,
  sections: [
    {
      id: "a",
      title: "Part A",
      state: "closed" as const,
      limit_s: 3600,
      opened_at_ms: START,
      closes_at_ms: START + 60 * MINUTE,
      closed_at_ms: START + 50 * MINUTE,
      closed_by: "handed-in",
    },
  ],
};
const FULL = timeline({
  session: SESSION,
  flags: [
    flag("dark.d.2", { flag_class: "quality", started_at_ms: START + 2 * MINUTE }),
    flag("person-count.d.9", { started_at_ms: START + 9 * MINUTE }),
  ],
  gaps: [
    { device: "d", seq: 4, cause: "network", of: "contact", from_ms: START + MINUTE, to_ms: START + MINUTE + 40_000 },
  ],
  ledger: [{ section: "a", seconds: 40, cause: "outage", reason: "", at_ms: START + 3 * MINUTE }],
  messages: [
    { device: "d", seq: 5, at_ms: START + 4 * MINUTE, topic: "hand", text: "", raised: true },
    { device: "d", seq: 6, at_ms: START + 5 * MINUTE, topic: "hand", text: "", raised: false },
  ],
  acts: [
    { id: "a1", act: "pause", code: "technical/network", words: "", note: "Fire alarm.", by: "kim", at_ms: START + 6 * MINUTE, undone: true },
  ],
  comments: [{ by: "noor", at_ms: START + 7 * MINUTE, text: "A poster?", written_at_ms: START + 99 * MINUTE }],
  answers: [
    { section: "a", item: "q1", saved: 2, last_at_ms: START + 8 * MINUTE, late: false, at_ms: [START + MINUTE, START + 8 * MINUTE] },
    { section: "a", item: "q2", saved: 9, last_at_ms: START + 9 * MINUTE, late: false },
  ],
});

describe("what happened", () => {
  it("puts every kind of thing into its lane", () => {
    const lanes = Object.fromEntries(
      LANES.map((lane) => [lane, marks(FULL).filter((mark) => mark.lane === lane).length]),
    );
    expect(lanes).toEqual({ sections: 1, conduct: 1, quality: 1, time: 2, talk: 4, answers: 3 });
  });

  it("numbers flags as j and k do: conduct first", () => {
    const flags = marks(FULL).filter(({ flag: index }) => index !== undefined);
    expect(flags.map(({ lane, flag: index }) => [lane, index])).toEqual([
      ["conduct", 0],
      ["quality", 1],
    ]);
  });

  it("tells everything by time, in sentences, and no saved answer by itself", () => {
    expect(happened(FULL).map(({ words }) => words)).toEqual([
      "Part A opened",
      "Gap: network, 40 seconds",
      "Quality flag: Too little light",
      "Time given: 40 seconds, outage",
      "The learner raises a hand",
      "The learner takes the hand down",
      "kim paused the exam: Fire alarm. (taken back)",
      "noor marked: A poster?",
      "Conduct flag: More than one person",
      "Part A closed: handed in",
    ]);
  });

  it("tells of what came after the end that it did, and of nothing else", () => {
    const noted = (at_ms: number) => ({ ...FULL.acts![0]!, act: "irregularity", at_ms });
    const acts = [noted(START + 50 * MINUTE), noted(START + 70 * MINUTE)];
    const told = happened({ ...FULL, acts });
    expect(told.filter(({ after }) => after).map(({ at_ms }) => at_ms)).toEqual([START + 70 * MINUTE]);
    expect(desk.chart.after("14:10")).toBe("After the end, at 14:10");
    // While it goes on nothing is after its end.
    const session = { ...SESSION, state: "running" as const };
    expect(happened({ ...FULL, session, acts }).some(({ after }) => after)).toBe(false);
  });

  it("says of a section that was never opened nothing, and of a proposal that it lapsed", () => {
    const never = { ...SESSION.sections[0]!, id: "b", title: "Part B", opened_at_ms: null };
    const proposed = {
      id: "a1",
      act: "terminate",
      code: "technical/network",
      words: "A proctor proposed to end the exam: network. Nobody confirmed it in time, so it lapsed.",
      why: "network",
      note: "",
      by: "kim",
      at_ms: START,
      undone: false,
      lapsed: true,
    };
    const resumed = { ...proposed, act: "resume", words: "A proctor resumed your exam.", why: "", lapsed: false };
    const session = { ...SESSION, sections: [never] };
    expect(happened(timeline({ session, acts: [proposed, resumed] })).map(({ words }) => words)).toEqual([
      "kim proposed to end the exam, network (it lapsed: nobody confirmed it in time)",
      "kim let the exam go on",
    ]);
  });

  it("needs none of what an older server does not say", () => {
    const { messages: _m, acts: _a, comments: _c, ...bare } = FULL;
    expect(marks(bare).filter(({ lane }) => lane === "talk")).toEqual([]);
  });
});
