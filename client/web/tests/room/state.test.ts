import { describe, expect, it } from "vitest";
import type { SectionView } from "../../src/api";
import {
  lastClosed,
  nameOf,
  openable,
  type Purpose,
  screenOf,
  type Standing,
  stepAfter,
  stepBefore,
  stepsOf,
  type Wanted,
} from "../../src/room/state";

const NOW = Date.UTC(2026, 10, 21, 14);
const BOTH: Purpose[] = ["face", "document"];

function section(id: string, changed: Partial<SectionView> = {}): SectionView {
  return {
    id,
    title: id,
    state: "planned",
    limit_s: 60,
    opened_at_ms: null,
    closes_at_ms: null,
    closed_at_ms: null,
    closed_by: null,
    ...changed,
  };
}

const OPEN = section("a", { state: "open", opened_at_ms: NOW - 1000, closes_at_ms: NOW + 1000 });
const CLOSED = section("a", {
  state: "closed",
  opened_at_ms: NOW - 9000,
  closed_at_ms: NOW - 1000,
  closed_by: "time-up",
});

interface Changed extends Partial<Omit<Standing, "view">> {
  state?: string;
  id?: string;
  sections?: SectionView[];
}

function standing({ state, id, sections, ...changed }: Changed = {}): Standing {
  return {
    view: {
      state: state ?? "check-in",
      id_check: { state: id ?? "awaited", reason: "" },
      sections: sections ?? [section("a"), section("b")],
    },
    hello: true,
    welcome: true,
    taken: new Set(),
    wanted: BOTH,
    back: null,
    submitted: false,
    trouble: null,
    now_ms: NOW,
    ...changed,
  };
}

const screen = (changed: Changed) => screenOf(standing(changed));

describe("the check-in", () => {
  it("begins with the rules, whatever else is known", () => {
    expect(screen({ hello: false, taken: new Set(BOTH) })).toEqual({ is: "rules" });
  });

  it("asks whether the computer is taken before any picture", () => {
    expect(screen({ welcome: false })).toEqual({ is: "asking" });
  });

  it.each([
    ["no picture yet", [], "face"],
    ["a face", ["face"], "document"],
    ["a document alone", ["document"], "face"],
    ["both", BOTH, "ready"],
  ])("shows what is missing: %s", (_, taken, is) => {
    expect(screen({ taken: new Set(taken) })).toEqual({ is });
  });

  it("asks for no document where the policy asks for none", () => {
    expect(screen({ wanted: ["face"], taken: new Set(["face"]) })).toEqual({ is: "ready" });
  });

  it("asks for the phone after the pictures, until it shows the room", () => {
    const wanted: Wanted[] = [...BOTH, "second-camera"];
    expect(screen({ wanted, taken: new Set(["face"]) })).toEqual({ is: "document" });
    expect(screen({ wanted, taken: new Set(BOTH) })).toEqual({ is: "second-camera" });
    expect(screen({ wanted, taken: new Set(wanted) })).toEqual({ is: "ready" });
    expect(screen({ wanted, taken: new Set(wanted), back: "second-camera" })).toEqual({
      is: "second-camera",
    });
  });

  it("goes back to where the learner went back to", () => {
    expect(screen({ taken: new Set(BOTH), back: "face" })).toEqual({ is: "face" });
  });

  it("shows the pictures' steps again when new ones are asked for", () => {
    expect(screen({ id: "retake" })).toEqual({ is: "face" });
  });

  it.each([
    ["captured", "waiting"],
    ["accepted", "waiting"],
    ["refused", "id-refused"],
  ])("waits where nothing is left to do: %s", (id, is) => {
    expect(screen({ id, taken: new Set(BOTH), back: "face" })).toEqual({ is });
  });

  it("is not shown to a learner who is let in and whose ID check is still open", () => {
    expect(screen({ state: "ready", id: "captured" })).toEqual({ is: "sections" });
  });
});

describe("the exam", () => {
  it.each(["ready", "running"])("shows what may be opened next: %s", (state) => {
    expect(screen({ state })).toEqual({ is: "sections" });
  });

  it("shows the section that is open", () => {
    expect(screen({ state: "running", sections: [OPEN, section("b")] })).toEqual({
      is: "section",
      section: "a",
    });
  });

  it("closes a section at the very millisecond, without waiting for the server", () => {
    const at = (now_ms: number) =>
      screen({ state: "running", sections: [OPEN, section("b")], now_ms }).is;
    expect(at(NOW + 999)).toBe("section");
    expect(at(NOW + 1000)).toBe("time-up");
  });

  it("opens it again when time was given back", () => {
    const more = { ...OPEN, closes_at_ms: NOW + 5000 };
    const sections = [more, section("b")];
    expect(screen({ state: "running", sections, now_ms: NOW + 2000 }).is).toBe("section");
  });

  it("shows a pause before an open section, and before handing in", () => {
    expect(screen({ state: "paused", sections: [OPEN] })).toEqual({ is: "paused" });
    expect(screen({ state: "paused", sections: [CLOSED] })).toEqual({ is: "paused" });
  });

  it("hands in when all sections are over, or when the learner said so", () => {
    expect(screen({ state: "running", sections: [CLOSED] })).toEqual({ is: "handing-in" });
    expect(screen({ state: "running", submitted: true })).toEqual({ is: "handing-in" });
  });

  it.each(["submitted", "terminated", "expired"])("has one screen for an end: %s", (state) => {
    const is = state === "submitted" ? "done" : state;
    expect(screen({ state, hello: false, trouble: "other-tab" })).toEqual({ is });
  });
});

describe("trouble", () => {
  it.each(["other-tab", "superseded", "history-differs", "receipt-refused", "token-ended"])(
    "that stops this tab is shown instead of anything: %s",
    (trouble) => {
      expect(screen({ state: "running", sections: [OPEN], trouble })).toEqual({
        is: "stopped",
        why: trouble,
      });
    },
  );

  it.each(["storage-full", "session-over", "refused", "of a kind not known"])(
    "that does not stop it never hides a question: %s",
    (trouble) => {
      expect(screen({ state: "running", sections: [OPEN], trouble }).is).toBe("section");
    },
  );
});

describe("sections", () => {
  it("open in the order of the exam, or in any", () => {
    const sections = [CLOSED, section("b"), section("c")];
    expect(openable(sections, true).map(({ id }) => id)).toEqual(["b"]);
    expect(openable(sections, false).map(({ id }) => id)).toEqual(["b", "c"]);
  });

  it("are told of when they close, the last one first, and not when they were never opened", () => {
    const later = section("b", { ...CLOSED, id: "b", closed_at_ms: NOW });
    const cut = section("c", { state: "closed", closed_at_ms: NOW + 1, closed_by: "cut" });
    expect(lastClosed([later, CLOSED, cut])?.id).toBe("b");
    expect(lastClosed([section("a"), cut])).toBeNull();
  });
});

describe("steps", () => {
  it("are those of the policy, in their order", () => {
    expect(stepsOf(BOTH)).toEqual(["rules", "face", "document", "ready"]);
    expect(stepsOf(["face"])).toEqual(["rules", "face", "ready"]);
    expect(stepsOf(["face", "second-camera"])).toEqual(["rules", "face", "second-camera", "ready"]);
  });

  it("lead back and on again, and end at both ends", () => {
    expect(stepBefore("rules", BOTH)).toBeNull();
    expect(stepBefore("ready", ["face"])).toBe("face");
    expect(stepBefore("ready", ["face", "second-camera"])).toBe("second-camera");
    expect(stepAfter("rules", BOTH)).toBe("face");
    expect(stepAfter("ready", BOTH)).toBeNull();
  });
});

it("a screen's name tells two sections apart", () => {
  expect(nameOf({ is: "section", section: "a" })).not.toBe(nameOf({ is: "section", section: "b" }));
  expect(nameOf({ is: "rules" })).toBe("rules");
});
