import { describe, expect, it } from "vitest";
import type { Place } from "../../src/console/keys";
import { arrowTo, wallCommandFor } from "../../src/console/wall-keys";

const press = (key: string, place: Place = "page", more = {}) =>
  wallCommandFor({ key, ctrl: false, alt: false, place, ...more }, true);

describe("the keys of the wall", () => {
  it.each([
    ["m", "message"],
    ["p", "pause"],
    ["t", "time"],
    ["n", "next"],
    ["x", "select"],
    ["g", "take"],
    ["u", "update"],
    ["/", "search"],
    ["?", "keys"],
    ["Escape", "close"],
  ])("%s: %s", (key, what) => {
    expect(press(key)).toEqual({ do: what });
    expect(press(key, "control")).toEqual({ do: what });
  });

  it("are letters alone while somebody types, and the dialog's own in a dialog", () => {
    expect([press("m", "text"), press("/", "text"), press("p", "dialog")]).toEqual([null, null, null]);
  });

  it("leave the browser its own", () => {
    expect([press("p", "page", { ctrl: true }), press("t", "page", { alt: true })]).toEqual([null, null]);
  });

  it("are no letters where they were turned off; Escape stays", () => {
    const off = (key: string) =>
      wallCommandFor({ key, ctrl: false, alt: false, place: "page" }, false);
    expect([off("m"), off("Escape")]).toEqual([null, { do: "close" }]);
  });
});

describe("an arrow", () => {
  it("leads to the tile beside, above or below, and nowhere at the edge", () => {
    expect(arrowTo("ArrowRight", 4, 10, 4)).toBe(5);
    expect(arrowTo("ArrowDown", 4, 10, 4)).toBe(8);
    expect(arrowTo("ArrowDown", 7, 10, 4)).toBeNull();
    expect(arrowTo("ArrowUp", 4, 10, 4)).toBe(0);
    expect(arrowTo("ArrowLeft", 0, 10, 4)).toBeNull();
    expect(arrowTo("Home", 4, 10, 4)).toBeNull();
  });
});
