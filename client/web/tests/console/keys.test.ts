import { describe, expect, it } from "vitest";
import {
  commandFor,
  idCommandFor,
  listCommandFor,
  type Place,
  type Press,
  sliderCommand,
} from "../../src/console/keys";

const LETTERS = ["j", "k", "u", "d", "c", "q", "m", "t", "1", "9", "0", "+", "-", "[", "]", "?", " "];
const PLACES: Place[] = ["page", "text", "choice", "control", "dialog"];

function press(key: string, changed: Partial<Press> = {}) {
  return commandFor({ key, ctrl: false, alt: false, place: "page", ...changed }, true);
}

describe("keys", () => {
  it.each([
    ["j", { do: "flag", by: 1 }],
    ["k", { do: "flag", by: -1 }],
    ["ArrowLeft", { do: "snapshot", by: -1 }],
    ["ArrowRight", { do: "snapshot", by: 1 }],
    ["u", { do: "judge", as: "upheld" }],
    ["d", { do: "judge", as: "not-upheld" }],
    ["c", { do: "judge", as: "cannot-tell" }],
    ["?", { do: "keys" }],
    [" ", { do: "play" }],
    ["[", { do: "speed", by: -1 }],
    ["]", { do: "speed", by: 1 }],
    ["Enter", { do: "confirm" }],
    ["q", { do: "queue" }],
    ["m", { do: "mark" }],
    ["1", { do: "reason", number: 1 }],
    ["9", { do: "reason", number: 9 }],
    ["0", { do: "zoom", by: "whole" }],
    ["x", null],
    ["Escape", null],
  ])("%s on the page", (key, command) => {
    expect(press(key)).toEqual(command);
  });

  it("leaves every key but Control and Enter to someone who types", () => {
    for (const key of [...LETTERS, "ArrowLeft", "ArrowRight", "Enter"])
      expect(press(key, { place: "text" })).toBeNull();
    expect(press("Enter", { place: "text", ctrl: true })).toEqual({ do: "confirm" });
  });

  it("leaves every key of a dialog to it", () => {
    for (const key of [...LETTERS, "ArrowLeft", "Enter"])
      expect(press(key, { place: "dialog" })).toBeNull();
  });

  it("lets Enter and space press the button that has the focus", () => {
    expect(press("Enter", { place: "control" })).toBeNull();
    expect(press(" ", { place: "control" })).toBeNull();
    expect(press("j", { place: "control" })).toEqual({ do: "flag", by: 1 });
  });

  it("lets arrows and space choose among radio buttons", () => {
    expect(press("ArrowRight", { place: "choice" })).toBeNull();
    expect(press(" ", { place: "choice" })).toBeNull();
    expect(press("Enter", { place: "choice" })).toEqual({ do: "confirm" });
  });

  it("takes nothing away from the browser's own combinations", () => {
    for (const place of PLACES)
      for (const key of [...LETTERS, "ArrowLeft", "ArrowRight"]) {
        expect(press(key, { place, ctrl: true })).toBeNull();
        expect(press(key, { place, alt: true })).toBeNull();
      }
  });

  it("obeys no letter once letters are turned off, and arrows still", () => {
    for (const key of LETTERS)
      expect(commandFor({ key, ctrl: false, alt: false, place: "page" }, false)).toBeNull();
    expect(
      commandFor({ key: "ArrowLeft", ctrl: false, alt: false, place: "page" }, false),
    ).not.toBeNull();
  });

  it("moves the slider as sliders are moved: Page Up is onward", () => {
    expect(sliderCommand("PageUp")).toEqual({ do: "snapshot", by: 10 });
    expect(sliderCommand("PageDown")).toEqual({ do: "snapshot", by: -10 });
    expect(sliderCommand("Home")).toEqual({ do: "first" });
    expect(sliderCommand("ArrowLeft")).toBeNull(); // the page's own
  });
});

describe("a key of the page of ID checks", () => {
  const press = (key: string, place: Place = "page", ctrl = false): Press => ({
    key,
    ctrl,
    alt: false,
    place,
  });

  it.each([
    ["a", { do: "choose", event: "accepted" }],
    ["r", { do: "choose", event: "refused" }],
    ["i", { do: "enlarge", which: "portrait" }],
    ["j", { do: "check", by: 1 }],
    ["Enter", { do: "confirm" }],
    ["x", null],
  ])("%s does what the list of keys says", (key, command) => {
    expect(idCommandFor(press(key), true)).toEqual(command);
  });

  it("is a letter while typing, and nothing where letters are turned off", () => {
    expect(idCommandFor(press("a", "text"), true)).toBeNull();
    expect(idCommandFor(press("a"), false)).toBeNull();
    expect(idCommandFor(press("Enter", "text"), true)).toBeNull();
    expect(idCommandFor(press("Enter", "text", true), false)).toEqual({ do: "confirm" });
  });

  it("belongs to a dialog that is open, and to a button that has the focus", () => {
    expect(idCommandFor(press("Enter", "dialog"), true)).toBeNull();
    expect(idCommandFor(press("Enter", "control"), true)).toBeNull();
  });
});

describe("a key of the list", () => {
  const press = (key: string, place: Place = "control"): Press => ({
    key,
    ctrl: false,
    alt: false,
    place,
  });

  it.each([
    ["j", { do: "row", by: 1 }],
    ["k", { do: "row", by: -1 }],
    ["x", { do: "choose" }],
    ["t", { do: "take" }],
    ["Enter", null], // the link's own
    ["u", null],
  ])("%s does what the list of keys says", (key, command) => {
    expect(listCommandFor(press(key), true)).toEqual(command);
  });

  it("is a letter while typing, and nothing where letters are turned off", () => {
    expect(listCommandFor(press("t", "text"), true)).toBeNull();
    expect(listCommandFor(press("t"), false)).toBeNull();
    expect(listCommandFor(press("t", "dialog"), true)).toBeNull();
  });
});
