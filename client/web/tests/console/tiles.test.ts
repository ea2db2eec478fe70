import { describe, expect, it } from "vitest";
import { counted, EVERYBODY, type Filter, held, mayMove, nextInNeed, oldFor, ordered, rowsInSight } from "../../src/console/tiles";
import { pagesOf } from "../../src/console/login";
import { START } from "../made";
import { tile } from "./wall-made";

const needing = (session: string, need: string, since_ms = START) =>
  tile(session, { needs: [need], needs_since_ms: since_ms });

describe("the order of the wall", () => {
  it("puts who needs someone first, by urgency and then by how long they wait", () => {
    const tiles = [
      tile("nobody"),
      needing("dark", "quality"),
      needing("later", "help-question", START + 5),
      needing("sooner", "help-question", START),
      needing("end", "terminate-proposed"),
    ];
    expect(ordered(tiles, EVERYBODY, "noor")).toEqual(["end", "sooner", "later", "dark", "nobody"]);
  });

  it("puts whom another proctor has taken after whom nobody has", () => {
    const tiles = [
      tile("taken", { needs: ["conduct"], taken_by: "sam" }),
      tile("mine", { needs: ["conduct"], taken_by: "noor", needs_since_ms: 2 }),
      tile("free", { needs: ["conduct"], needs_since_ms: 1 }),
    ];
    expect(ordered(tiles, EVERYBODY, "noor")).toEqual(["free", "mine", "taken"]);
  });

  it("puts whose ID check waits while they work after all who need someone now", () => {
    const tiles = [
      needing("works", "id-check-later"),
      needing("dark", "quality"),
      needing("held", "id-check"),
      tile("nobody"),
    ];
    expect(ordered(tiles, EVERYBODY, "noor")).toEqual(["held", "dark", "works", "nobody"]);
  });

  it("keeps a need that it does not know behind those it knows, before who needs nobody", () => {
    const tiles = [tile("a"), needing("new", "of-a-newer-server"), needing("dark", "quality")];
    expect(ordered(tiles, EVERYBODY, "noor")).toEqual(["dark", "new", "a"]);
  });

  it("sorts by name where it is asked to, whoever needs someone", () => {
    const tiles = [needing("z", "conduct"), tile("b"), tile("É"), tile("a10"), tile("a9")];
    expect(ordered(tiles, { ...EVERYBODY, sort: "name" }, "")).toEqual(["a9", "a10", "b", "É", "z"]);
  });

  it("finds a name without its capitals and accents, and a group", () => {
    const tiles = [tile("s_1", { learner: "José Álvarez" }), tile("s_2", { group: "Lab B" })];
    expect(ordered(tiles, { ...EVERYBODY, search: " jose alv" }, "")).toEqual(["s_1"]);
    expect(ordered(tiles, { ...EVERYBODY, search: "lab b" }, "")).toEqual(["s_2"]);
    expect(ordered(tiles, { ...EVERYBODY, search: "nobody" }, "")).toEqual([]);
  });
});

describe("a still", () => {
  const still = { device: "d_1", sha256: "", at_ms: START };

  it("is of now for as long as its tile says, and then as old as it is", () => {
    expect(oldFor(still, 60, START + 60_000)).toBe(0);
    expect(oldFor(still, 60, START + 61_000)).toBe(61_000);
    expect(oldFor(still, 615, START + 600_000)).toBe(0);
  });
});

describe("the filters", () => {
  const tiles = [
    tile("works", { taken_by: "noor" }),
    tile("needs", { needs: ["quality"] }),
    tile("lost", { connected: false }),
    tile("paused", { state: "paused", exam: "alg" }),
    tile("done", { state: "submitted", connected: false, group: "B" }),
    tile("away", { state: "invited", connected: false }),
    tile("shows", { state: "check-in" }),
    tile("ready", { state: "ready" }),
  ];

  it("count who was refused among those who are done, never at check-in", () => {
    const refused = tile("no", { state: "check-in", id_check: "refused" });
    const counts = counted([refused, tile("works", { id_check: "refused" })], EVERYBODY, "");
    expect([counts["check-in"], counts.done, counts.working]).toEqual([0, 1, 1]);
    const waits = tile("waits", { state: "check-in", id_check: "refusal-proposed" });
    expect(ordered([refused, tile("z", { state: "expired" }), waits], EVERYBODY, "")).toEqual(["waits", "z", "no"]);
    expect(mayMove({ id_check: "refused" })).toBe(true);
  });

  it("count nobody who works while their ID check waits among those who need someone", () => {
    const works = [needing("a", "id-check-later"), needing("b", "of-a-newer-server")];
    expect(counted(works, EVERYBODY, "noor")).toMatchObject({ needs: 1, all: 2 });
    expect(ordered(works, { ...EVERYBODY, filter: "needs" }, "noor")).toEqual(["b"]);
  });

  it("count whom they would show, of the exam and the group that are chosen", () => {
    const before = { ready: 1, "check-in": 1, invited: 1 };
    const all = { needs: 1, mine: 1, working: 3, offline: 1, paused: 1, ...before, done: 1, all: 8 };
    expect(counted(tiles, EVERYBODY, "noor")).toEqual(all);
    expect(counted(tiles, { ...EVERYBODY, exam: "alg" }, "noor").all).toBe(1);
    expect(counted(tiles, { ...EVERYBODY, group: "B" }, "noor")).toMatchObject({ done: 1, all: 1 });
  });

  it("show whom they count", () => {
    const shown = (filter: Filter) =>
      ordered(tiles, { ...EVERYBODY, filter }, "noor");
    expect([shown("offline"), shown("mine"), shown("done")]).toEqual([["lost"], ["works"], ["done"]]);
    expect([shown("invited"), shown("check-in"), shown("ready")]).toEqual([["away"], ["shows"], ["ready"]]);
  });
});

describe("an order that is held", () => {
  it("moves nothing: who is gone leaves, who is new comes last", () => {
    const known = (session: string) => session !== "gone";
    expect(held(["a", "gone", "b"], ["new", "b", "a"], known)).toEqual(["a", "b", "new"]);
  });
});

describe("what may move a tile", () => {
  it("is no picture and no sign of life", () => {
    expect(mayMove({ still: null, heard_ms: 1, looking: ["sam"] })).toBe(false);
    expect(mayMove({ needs: [] })).toBe(true);
  });
});

describe("the next who needs someone", () => {
  const needs = (session: string) => session !== "b";

  it("comes after this one, and around the end again", () => {
    expect(nextInNeed(["a", "b", "c"], "a", needs)).toBe("c");
    expect(nextInNeed(["a", "b", "c"], "c", needs)).toBe("a");
    expect(nextInNeed(["a", "b", "c"], null, needs)).toBe("a");
    expect(nextInNeed(["b", "c"], "gone", needs)).toBe("c");
    expect(nextInNeed(["a", "b"], "a", needs)).toBeNull();
  });
});

describe("the tiles in the page", () => {
  it.each([
    ["at the top", 0, { from: 0, to: 4 }],
    ["where the head stands above them", -400, { from: 0, to: 3 }],
    ["in the middle", 2750, { from: 9, to: 15 }],
    ["below all of them", -2000, { from: 0, to: 0 }],
  ])("are those of the rows in sight, and of one beside: %s", (_, top_px, rows) => {
    expect(rowsInSight(top_px, 800, 272)).toEqual(rows);
  });
});

it("the pages of a role begin with the one it is for", () => {
  expect(pagesOf("proctor")).toEqual(["wall", "reviews", "identity"]);
  expect(pagesOf("lead")).toEqual(["wall", "reviews", "identity", "agreement"]);
  expect(pagesOf("course-team")).toEqual(["agreement"]);
  expect(pagesOf("administrator")).toEqual([]);
});
