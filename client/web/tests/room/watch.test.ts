import { describe, expect, it } from "vitest";
import { StorageFull } from "../../src/room/device";
import { isLookedFor, leavingFor, watch, type Page } from "../../src/room/watch";
import { running, settled, Tape, waiting } from "./tape";

class Doc extends EventTarget {
  hidden = false;
  focused = true;
  fullscreenElement: Element | null = null;
  hasFocus() {
    return this.focused;
  }
}

/** A page in a browser that can be left, seen from the device's log. */
class Desk {
  readonly tape: Tape;
  readonly document = new Doc();
  readonly window = new EventTarget();
  readonly screen = new EventTarget();
  displays: number | null = 1;
  readonly stop: () => void;

  constructor(rules: { when: string; sections?: string[] }[] = [{ when: "left-page" }]) {
    this.tape = new Tape(rules);
    const { document, window, screen } = this;
    const page: Page = { document, window, screen, displays: async () => this.displays };
    this.stop = watch(this.tape, () => "q4", page);
  }
  leave() {
    this.document.focused = false;
    this.window.dispatchEvent(new Event("blur"));
    this.document.hidden = true;
    this.document.dispatchEvent(new Event("visibilitychange"));
  }
  back() {
    this.document.hidden = false;
    this.document.dispatchEvent(new Event("visibilitychange"));
    this.document.focused = true;
    this.window.dispatchEvent(new Event("focus"));
  }
  bring(type: "paste" | "drop", text: string) {
    const data = { getData: () => text };
    const event = new Event(type);
    this.document.dispatchEvent(Object.assign(event, { clipboardData: data, dataTransfer: data }));
  }
}

describe("leaving the page", () => {
  it("is recorded once on return, with its times, and no address", () => {
    const desk = new Desk();
    desk.tape.pass(3000);
    desk.leave();
    desk.tape.pass(40_000);
    desk.back();
    const from_ms = desk.tape.began + 3000;
    expect(desk.tape.lines.map((line) => line.kind)).toEqual(["focus"]);
    expect(desk.tape.of("focus")).toEqual([{ away_to: "", from_ms, to_ms: from_ms + 40_000 }]);
  });

  it("for a resource of the room names it, and only the first time", () => {
    const desk = new Desk();
    leavingFor("http://fanyi.youdao.com");
    for (let time = 0; time < 2; time += 1) {
      desk.leave();
      desk.tape.pass(40_000);
      desk.back();
    }
    expect(desk.tape.of("focus").map((facts) => facts["away_to"])).toEqual([
      "http://fanyi.youdao.com",
      "",
    ]);
  });

  it("for less than a second is not", () => {
    const desk = new Desk();
    desk.leave();
    desk.tape.pass(999);
    desk.back();
    expect(desk.tape.lines).toEqual([]);
  });

  it("is not over while the window is seen but another has the focus", () => {
    const desk = new Desk();
    desk.leave();
    desk.tape.pass(5000);
    desk.document.hidden = false;
    desk.document.dispatchEvent(new Event("visibilitychange"));
    expect(desk.tape.lines).toEqual([]);
    desk.tape.pass(5000);
    desk.back();
    const { from_ms, to_ms } = desk.tape.of("focus")[0] as { from_ms: number; to_ms: number };
    expect(to_ms - from_ms).toBe(10_000);
  });

  it("ends with the section", () => {
    const desk = new Desk();
    desk.leave();
    desk.tape.pass(5000);
    desk.tape.view.value = waiting();
    desk.tape.pass(5000);
    desk.back();
    expect(desk.tape.of("focus")).toMatchObject([{ to_ms: desk.tape.began + 5000 }]);
  });

  it("is recorded when the tab is closed meanwhile", () => {
    const desk = new Desk();
    desk.leave();
    desk.tape.pass(5000);
    desk.window.dispatchEvent(new Event("pagehide"));
    expect(desk.tape.of("focus")).toHaveLength(1);
  });

  it.each([
    ["in a break", new Desk(), (desk: Desk) => void (desk.tape.view.value = waiting())],
    ["where no rule is about it", new Desk([{ when: "dark" }]), () => undefined],
    ["after the watch has ended", new Desk(), (desk: Desk) => desk.stop()],
  ])("%s is nobody's business", (_when, desk, happen) => {
    happen(desk);
    desk.leave();
    desk.tape.pass(40_000);
    desk.back();
    expect(desk.tape.lines).toEqual([]);
  });

  it("does not break the page when there is no room to say so", async () => {
    const desk = new Desk();
    desk.tape.fails = () => new StorageFull("disk");
    desk.leave();
    desk.tape.pass(40_000);
    desk.back();
    await settled();
    expect(desk.tape.lines).toEqual([]);
  });
});

describe("displays", () => {
  const rule = [{ when: "second-display" }];

  it("are counted when the section opens and when they change, and said once each", async () => {
    const desk = new Desk(rule);
    await settled();
    expect(desk.tape.lines).toEqual([]);
    for (const displays of [2, 2, 3, 1, 2]) {
      desk.displays = displays;
      desk.screen.dispatchEvent(new Event("change"));
      await settled();
    }
    expect(desk.tape.of("notice")).toEqual([
      { notice: "second-display", displays: 2 },
      { notice: "second-display", displays: 3 },
      { notice: "second-display", displays: 2 },
    ]);
  });

  it("are said anew in the next section", async () => {
    const desk = new Desk(rule);
    desk.displays = 2;
    desk.back();
    await settled();
    desk.tape.view.value = waiting();
    desk.tape.view.value = running({ id: "part-b" });
    await settled();
    expect(desk.tape.of("notice")).toHaveLength(2);
  });

  it.each([
    ["where nobody knows", rule, null],
    ["where no rule is about them", [{ when: "left-page" }], 2],
    ["where the rule is for another section", [{ when: "second-display", sections: ["b"] }], 2],
  ])("are not said %s", async (_where, rules, displays) => {
    const desk = new Desk(rules);
    desk.displays = displays;
    desk.screen.dispatchEvent(new Event("change"));
    await settled();
    expect(desk.tape.lines).toEqual([]);
  });
});

describe("full screen and pasted text", () => {
  it("notes that full screen was left, not that it was entered", () => {
    const desk = new Desk();
    desk.document.fullscreenElement = {} as Element;
    desk.document.dispatchEvent(new Event("fullscreenchange"));
    desk.document.fullscreenElement = null;
    desk.document.dispatchEvent(new Event("fullscreenchange"));
    expect(desk.tape.of("notice")).toEqual([{ notice: "full-screen-left" }]);
  });

  it.each(["paste", "drop"] as const)("counts a long %s, and keeps none of it", (type) => {
    const desk = new Desk();
    desk.bring(type, "secret ".repeat(100));
    desk.bring(type, "x".repeat(199));
    expect(desk.tape.of("notice")).toEqual([{ notice: "paste", item: "q4", characters: 700 }]);
    expect(JSON.stringify(desk.tape.lines)).not.toContain("secret");
  });
});

it("notes nothing of a break, whatever is brought or left in it", () => {
  const desk = new Desk();
  desk.tape.view.value = waiting();
  desk.bring("paste", "x".repeat(500));
  desk.document.dispatchEvent(new Event("fullscreenchange"));
  expect(desk.tape.lines).toEqual([]);
});

describe("isLookedFor", () => {
  it.each<[unknown, boolean]>([
    [[{ when: "left-page" }], true],
    [[{ when: "left-page", sections: [] }], true],
    [[{ when: "left-page", sections: ["a", "b"] }], true],
    [[{ when: "left-page", sections: ["b"] }], false],
    [[{ when: "dark" }], false],
    [undefined, false],
  ])("reads the rules of a policy: %j", (flag, looked) => {
    expect(isLookedFor({ flag }, "left-page", "a")).toBe(looked);
  });
});
