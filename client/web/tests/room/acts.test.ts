import { describe, expect, it } from "vitest";
import { type Act, actsOf, answerTo, askedStillAt, behind, permittedOf, unread } from "../../src/room/acts";
import { Notes } from "../../src/room/notes";
import { Tape } from "./tape";

const told = (id: string, act: string, more: object = {}) => ({
  id,
  act,
  code: "technical/network",
  words: `words of ${id}`,
  note: "",
  by: "",
  at_ms: Number(id.slice(1)),
  undone: false,
  undoable: false,
  ...more,
});
const ids = (acts: readonly Act[]) => acts.map(({ id }) => id);

describe("the acts of proctors", () => {
  it("are read by time, with the proctor's note", () => {
    const acts = actsOf({
      acts: [told("a2", "message", { note: "Drink some water." }), told("a1", "pause")],
    });
    expect(ids(acts)).toEqual(["a1", "a2"]);
    expect(acts[1]).toEqual({
      id: "a2",
      kind: "message",
      words: "words of a2",
      note: "Drink some water.",
      at_ms: 2,
      undone: false,
    });
  });

  it.each([
    ["a view of an older server", {}],
    ["no view", null],
    ["acts that are none", { acts: [null, 3, { id: "a1" }, { id: "a1", words: "x" }] }],
  ])("are none in %s", (_name, view) => {
    expect(actsOf(view)).toEqual([]);
  });

  it("are new until they were read", () => {
    const acts = actsOf({ acts: [told("a1", "pause"), told("a2", "resume")] });
    expect(ids(unread(acts, []))).toEqual(["a1", "a2"]);
    expect(ids(unread(acts, ["a1", "a9"]))).toEqual(["a2"]);
  });
});

it("what was read stays read when the page comes back", async () => {
  const tape = new Tape();
  const before = await Notes.of(tape);
  before.readActs(["a1", "a2"]);
  before.readActs(["a2", "a3"]);
  expect((await Notes.of(tape)).read.value).toEqual(["a1", "a2", "a3"]);
});

it("what was asked last is kept, with the answer that came after it", async () => {
  const tape = new Tape();
  (await Notes.of(tape)).ask("Which formula?", 2000);
  expect((await Notes.of(tape)).asked.value).toEqual({ text: "Which formula?", at_ms: 2000 });
  const one = (id: string, at_ms: number) => ({ ...told(id, "answer"), at_ms });
  expect(answerTo(actsOf({ acts: [one("a1", 1000), told("a2", "message")] }), 2000)).toBe(null);
  expect(answerTo(actsOf({ acts: [one("a1", 1000), one("a2", 3000)] }), 2000)?.id).toBe("a2");
});

describe("why a screen stands there", () => {
  it.each([
    ["paused", ["pause", "resume", "pause"], "a3"],
    ["terminated", ["pause", "terminate", "message"], "a2"],
    ["terminated", ["message", "confirm-terminate"], "a2"],
    ["paused", ["message"], null],
  ] as const)("%s: %j", (screen, kinds, id) => {
    const acts = actsOf({ acts: kinds.map((kind, at) => told(`a${at + 1}`, kind)) });
    expect(behind(acts, screen)?.id ?? null).toBe(id);
  });

  it("is nothing that was taken back", () => {
    const acts = actsOf({ acts: [told("a1", "pause"), told("a2", "pause", { undone: true })] });
    expect(behind(acts, "paused")?.id).toBe("a1");
  });
});

it("what is permitted is read as far as it is understood", () => {
  expect(permittedOf({ permitted: ["1.5 times the time", 3] })).toEqual(["1.5 times the time"]);
  expect(permittedOf({})).toEqual([]);
});

it("a wish for a picture has a time, or there was none", () => {
  expect(askedStillAt({ asked_still_ms: 5 })).toBe(5);
  expect(askedStillAt({ asked_still_ms: null })).toBeNull();
  expect(askedStillAt({})).toBeNull();
});
