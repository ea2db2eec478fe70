import { describe, expect, it } from "vitest";
import { offlineWords } from "../../src/room/status-words";
import { titleOf } from "../../src/room/titles";
import { blockedWords } from "../../src/room/trouble-words";
import { windowWords } from "../../src/room/window-words";

const NOON = Date.UTC(2026, 10, 21, 12);
const HOUR = 3_600_000;
const WINDOW = { starts_at_ms: NOON, ends_at_ms: NOON + HOUR };

describe("a window", () => {
  it("says when the exam opens, and in whose zone", () => {
    const words = windowWords(WINDOW, NOON - HOUR, "Asia/Kolkata");
    expect(words).toContain("opens at 17:30, Asia/Kolkata (GMT+5:30)");
  });

  it("is open from its first instant until its end", () => {
    expect(windowWords(WINDOW, NOON, "UTC")).toBeNull();
    expect(windowWords(WINDOW, NOON + HOUR - 1, "UTC")).toBeNull();
    expect(windowWords(WINDOW, NOON + HOUR, "UTC")).toContain("until 13:00, UTC");
  });

  it("that there is not is always open", () => {
    expect(windowWords(null, NOON, "UTC")).toBeNull();
    expect(windowWords(undefined, NOON, "UTC")).toBeNull();
  });
});

describe("an outage", () => {
  const policy = { time: { give_back: "all", after_s: 0, most_s: 60 } };

  it("is said once: a screen that says it itself has no second sentence below", () => {
    expect(offlineWords(policy, "time-up")).toBe("");
  });

  it("after the last section says nothing of a clock", () => {
    expect(offlineWords(policy, "handing-in")).not.toContain("clock");
    expect(offlineWords(policy, "section")).toContain("clock");
  });
});

describe("a computer that is refused", () => {
  const blocked = { code: "system-refused", facts: { refused: ["Linux", "phones"] } };

  it("is named right after the first sentence", () => {
    expect(blockedWords(blocked).lines[1]).toBe("Refused here: Linux; phones.");
  });

  it("in a rehearsal is told that the exam is as it was", () => {
    const { lines } = blockedWords(blocked, true);
    expect(lines[1]).toBe("Refused here: Linux; phones.");
    expect(lines.join(" ")).toContain("Your exam and its link are as they were");
    expect(lines.join(" ")).not.toContain("lets you in");
  });
});

describe("a link of an exam that is over", () => {
  const said = (code: string, facts: object) => blockedWords({ code, facts: { ...facts } }).lines.join(" ");

  it("says where it was sat, and what to do there", () => {
    expect(said("join-link-used", { over: true, on: "desktop" })).toContain("proctor-client after LINK");
    const browser = said("join-link-used", { over: true, on: "browser" });
    expect(browser).toContain("in the browser that you sat it in");
    expect(browser).not.toContain("proctor-client");
    for (const on of ["desktop", "browser"]) {
      expect(said("join-link-used", { over: true, on })).toContain("the proctors see that you wait");
    }
  });

  it("asks to look, and no more to go on", () => {
    for (const code of ["asked", "asked-refused"]) {
      expect(said(code, { over: true })).not.toBe(said(code, { over: false }));
      expect(said(code, { over: true })).not.toContain("go on");
    }
  });

  it("of one that goes on says nothing of that", () => {
    expect(said("join-link-used", { over: false, on: "desktop" })).not.toContain("proctor-client");
  });
});

describe("the title of the tab", () => {
  const exam = { title: "Rehearsal", sections: [], practice: true };

  it("of a rehearsal that is over is its report, not an exam that was handed in", () => {
    expect(titleOf({ is: "done" }, exam)).toBe("The report of your rehearsal · Rehearsal · Proctor");
    expect(titleOf({ is: "done" }, { ...exam, practice: false })).toContain("is handed in");
  });

  it("is the heading of the page that is shown", () => {
    const { heading } = blockedWords({ code: "system-refused", facts: {} });
    expect(titleOf({ is: "asking" }, exam, heading)).toContain(heading);
  });
});
