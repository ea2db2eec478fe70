import { describe, expect, it } from "vitest";
import { ProblemError } from "../../src/api";
import type { Left } from "../../src/console/acts";
import type { Wall } from "../../src/console/wall-desk";
import { wall as words } from "../../src/text/wall";
import { MINUTE, START } from "../made";
import { act, rest, Server, tile, watching } from "./wall-made";

const order = ({ board }: Wall) => [...board.shown.value];

describe("the wall", () => {
  it("shows whom the server names, who needs someone first", async () => {
    const { wall } = await watching([tile("a"), tile("b", { needs: ["conduct"] })]);
    expect([order(wall), wall.board.counts.value.needs, wall.board.loaded.value]).toEqual([["b", "a"], 1, true]);
  });

  it("changes one tile's signal, and no other", async () => {
    const { wall, lines } = await watching([tile("a"), tile("b")]);
    const other = wall.tile("b");
    const shown = wall.board.shown.value;
    lines.delta([{ session: "a", heard_ms: START + 1 }]);
    expect(wall.tile("a")?.heard_ms).toBe(START + 1);
    expect(wall.tile("b")).toBe(other);
    expect(wall.board.shown.value).toBe(shown);
  });

  it("takes in who is new and forgets who is gone", async () => {
    const { wall, lines } = await watching([tile("a"), tile("b")]);
    wall.select(["a", "b"]);
    lines.delta([{ session: "c", learner: "C" }], ["a"]);
    expect(order(wall)).toEqual(["b", "c"]);
    expect([...wall.selected.value]).toEqual(["b"]);
  });

  it("is shut to who is no proctor, and says so", async () => {
    const server = new Server();
    server.role = "course-team";
    const { wall, lines } = await watching([], server);
    expect([lines.opened.length, wall.trouble.value]).toEqual([0, words.trouble.forbidden]);
  });

  it("tells time by the server's clock", async () => {
    const { wall, lines, clock } = await watching([]);
    lines.wall([], START + 10 * MINUTE);
    await clock.pass(2500);
    wall.tick();
    expect(wall.now_ms.value).toBe(START + 10 * MINUTE + 2000);
  });

  it("asks to see the pictures of the tiles in view, and of the one that is open", async () => {
    const { wall, lines, clock } = await watching([tile("a"), tile("b"), tile("c")]);
    wall.inSight(["a", "b"]);
    wall.inSight(["a"]);
    await clock.pass(200);
    expect(lines.last.said.at(-1)).toEqual({ type: "view", sessions: ["a"] });
    await wall.open("c");
    expect(lines.last.said.at(-1)).toEqual({ type: "view", sessions: ["c", "a"] });
  });
});

describe("for who can't see the wall", () => {
  it("all are said who begin to need someone, and nobody who works while their ID check waits", async () => {
    const { wall, lines } = await watching([tile("Ada"), tile("Ben"), tile("Cy", { needs: ["offline"] })]);
    expect(wall.said.value).toBe("");
    lines.delta([
      { session: "Ada", needs: ["help-hand"] },
      { session: "Ben", needs: ["conduct"], conduct: 1, flagged: { rule: "person-count", value: 2 } },
      { session: "Cy", needs: ["offline", "quality"] },
      tile("Di", { needs: ["id-check-later"] }),
    ]);
    expect(wall.said.value).toBe("Ada: hand raised. Ben: 2 people.");
    lines.delta([{ session: "Cy", extra_s: 60 }]);
    expect(wall.said.value).toBe("Ada: hand raised. Ben: 2 people.");
    lines.delta([{ session: "Di", needs: ["id-check"] }]);
    expect(wall.said.value).toBe("Di: ID check waits.");
  });

  it("who works while their ID check waits is not the next in need", async () => {
    const { wall } = await watching([tile("Di", { needs: ["id-check-later"] }), tile("Ada")]);
    wall.next();
    expect(wall.one.session.value).toBeNull();
  });
});

describe("while somebody is at the tiles", () => {
  it("nothing moves, until their pointer leaves", async () => {
    const { wall, lines } = await watching([tile("a"), tile("b")]);
    wall.board.touch("pointer");
    lines.delta([{ session: "b", needs: ["conduct"] }, tile("c", { needs: ["help-hand"] })]);
    expect([order(wall), wall.board.moved.value]).toEqual([["a", "b", "c"], true]);
    wall.board.leave();
    expect([order(wall), wall.board.moved.value]).toEqual([["c", "b", "a"], false]);
  });

  it.each(["pointer", "key"] as const)("a %s holds the order for 5 seconds, and no longer", async (by) => {
    const { wall, lines, clock } = await watching([tile("a"), tile("b")]);
    wall.board.touch(by);
    await clock.pass(3000);
    lines.delta([{ session: "b", needs: ["help-hand"] }]);
    wall.board.touch(by);
    await clock.pass(4000);
    expect([order(wall), wall.board.moved.value]).toEqual([["a", "b"], true]);
    await clock.pass(1000);
    expect([order(wall), wall.board.moved.value]).toEqual([["b", "a"], false]);
    // Nobody is there: who needs someone comes first at once.
    lines.delta([{ session: "a", needs: ["help-fault"] }]);
    expect(order(wall)).toEqual(["a", "b"]);
  });

  it("a pointer that leaves lets nothing jump from under who uses keys there", async () => {
    const { wall, lines, clock } = await watching([tile("a"), tile("b")]);
    wall.board.touch("key");
    wall.board.touch("pointer");
    lines.delta([{ session: "b", needs: ["help-hand"] }]);
    wall.board.leave();
    expect(order(wall)).toEqual(["a", "b"]);
    await clock.pass(5000);
    expect(order(wall)).toEqual(["b", "a"]);
  });

  it("who presses just as the tiles have moved by themselves can't have seen that", async () => {
    const { wall, lines, clock } = await watching([tile("a"), tile("b")]);
    expect(wall.board.isSeen()).toBe(true);
    lines.delta([{ session: "b", needs: ["help-hand"] }]);
    expect(wall.board.isSeen()).toBe(false);
    wall.board.look(); // the pointer was moved since
    expect(wall.board.isSeen()).toBe(true);
    lines.delta([{ session: "a", needs: ["help-fault"] }]);
    await clock.pass(1000);
    expect(wall.board.isSeen()).toBe(true);
    lines.delta([{ session: "b", needs: ["help-hand"], quality: ["dark"] }]); // nothing moved
    expect(wall.board.isSeen()).toBe(true);
  });

  it("a tile that no longer fits the filter stays where it is", async () => {
    const { wall, lines } = await watching([tile("a", { needs: ["conduct"] }), tile("b")]);
    wall.want({ filter: "needs" });
    wall.board.touch("key");
    lines.delta([{ session: "a", needs: [] }]);
    expect([order(wall), wall.board.moved.value, wall.board.counts.value.needs]).toEqual([["a"], true, 0]);
    wall.board.settle();
    expect([order(wall), wall.board.moved.value]).toEqual([[], false]);
  });

  it("what they ask for happens at once", async () => {
    const { wall } = await watching([tile("b"), tile("a", { state: "paused" })]);
    wall.board.touch("pointer");
    wall.want({ filter: "paused" });
    expect(order(wall)).toEqual(["a"]);
  });
});

describe("a line that is cut", () => {
  it("keeps what was seen, says from when, and is told anew what is looked at", async () => {
    const { wall, lines, clock } = await watching([tile("a")]);
    await wall.open("a");
    lines.last.events.closed();
    expect([wall.line.value, order(wall)]).toEqual([{ is: "cut", since_ms: START }, ["a"]]);
    wall.take(["a"], true);
    expect(wall.sending.result.value?.words).toBe(words.line.notSent);
    await clock.pass(500);
    lines.wall([tile("a"), tile("b")]);
    expect(order(wall)).toEqual(["a", "b"]);
    expect(lines.last.said).toContainEqual({ type: "look", session: "a" });
  });

  it("asks for the login where that has ended", async () => {
    const { wall, lines, clock, server } = await watching([tile("a")]);
    server.signedIn = false;
    lines.last.events.closed();
    await clock.pass(500);
    expect(wall.who.value.is).toBe("nobody");
    await wall.signIn("noor", "secret");
    expect(lines.opened.length).toBe(2);
  });
});

describe("one session", () => {
  it("is fetched, looked at and given back", async () => {
    const { wall, lines, server } = await watching([tile("a")]);
    await wall.open("a");
    expect([wall.one.opened.value?.session, server.fetched]).toEqual(["a", ["a"]]);
    expect(lines.last.said).toContainEqual({ type: "look", session: "a" });
    wall.close();
    expect([wall.one.session.value, wall.focusOn.value]).toEqual([null, { session: "a" }]);
    expect(lines.last.said).toContainEqual({ type: "look", session: null });
  });

  it("is fetched again when something of it changes, but not for every picture", async () => {
    const { wall, lines, clock, server } = await watching([tile("a")]);
    await wall.open("a");
    await clock.pass(1000);
    const still = { device: "d", sha256: "1", at_ms: START };
    lines.delta([{ session: "a", still, heard_ms: START + 5 }]);
    await rest();
    expect([server.fetched.length, wall.one.stills.value]).toEqual([1, [still]]);
    lines.delta([{ session: "a", state: "paused" }]);
    lines.delta([{ session: "a", needs: ["offline"] }]);
    await rest();
    expect(server.fetched.length).toBe(2);
    await clock.pass(1000);
    expect(server.fetched.length).toBe(3); // once for all that came meanwhile
  });

  it("goes on to the next who needs someone, also to one whom the filter hides", async () => {
    const { wall } = await watching([tile("a", { state: "paused" }), tile("b", { needs: ["conduct"] })]);
    wall.want({ filter: "paused" });
    wall.next();
    expect(wall.one.session.value).toBe("b");
  });
});

describe("an act", () => {
  it("is not sent while something is missing", async () => {
    const { wall, server } = await watching([tile("a")]);
    wall.ask("pause", ["a"]);
    await wall.sending.confirm();
    expect([wall.sending.tried.value, wall.sending.lacks.value, server.sent]).toEqual([true, ["code", "note"], []]);
  });

  it("is sent with the version that was seen, and says what was done", async () => {
    const { wall, server } = await watching([tile("a", { learner: "Ada" })]);
    await wall.open("a");
    wall.ask("pause", ["a"]);
    wall.sending.write({ code: "technical/network", note: " The line. " });
    await wall.sending.confirm();
    const sent = { act: "pause", code: "technical/network", note: "The line.", version: 3, request: "r1" };
    expect(server.sent).toEqual([["a", sent]]);
    expect([wall.sending.draft.value, wall.sending.result.value?.words, wall.one.opened.value?.version]).toEqual([
      null,
      "Paused: Ada.",
      4,
    ]);
    wall.ask("pause", ["a"]);
    expect(wall.sending.draft.value).toMatchObject({ code: "technical/network", note: "" });
  });

  it("of a stale page is not done: who came first is named, and what was typed stays", async () => {
    const { wall, server } = await watching([tile("a")]);
    await wall.open("a");
    wall.ask("message", ["a"]);
    wall.sending.write({ note: "Hello" });
    server.fails = new ProblemError("stale-page", 409, "", "", { by: "sam", act: "pause" });
    await wall.sending.confirm();
    expect(wall.sending.actTrouble.value).toContain("sam has acted on this session meanwhile (pause)");
    expect([wall.sending.draft.value?.note, server.fetched.length]).toEqual(["Hello", 2]);
  });

  it("that confirms an end names what was read, and says what became of that", async () => {
    const { wall, server } = await watching([tile("a")]);
    wall.ask("confirm-terminate", ["a"], { ofBySession: { a: "a7" } });
    const facts = { proposed_by: "sam", became: "withdrawn", by: "kim" };
    server.fails = new ProblemError("stale-proposal", 409, "", "", facts);
    await wall.sending.confirm();
    expect(wall.sending.actTrouble.value).toContain("was withdrawn by kim, and sam has proposed it anew");
    server.fails = new ProblemError("nothing-proposed", 409, "", "", { became: "lapsed", by: "" });
    await wall.sending.confirm();
    expect(wall.sending.actTrouble.value).toContain("the minute to confirm it is over");
    await wall.sending.confirm();
    expect(server.sent[0]?.[1]).toMatchObject({ act: "confirm-terminate", of: "a7" });
  });

  it("on a tile is sent with the version that the tile shows, though nobody has it open", async () => {
    const { wall, server, lines } = await watching([tile("a", { version: 2 }), tile("b")]);
    await wall.open("b");
    wall.ask("extra-time", ["a"], { code: "technical/network", note: "The line." });
    lines.delta([{ session: "a", version: 3 }]); // what came while the dialog stood open was not read
    await wall.sending.confirm();
    wall.pauseOrResume(["a"]);
    wall.sending.write({ code: "technical/network", note: "The line." });
    await wall.sending.confirm();
    expect(server.sent.map(([session, { version }]) => [session, version])).toEqual([
      ["a", 2],
      ["a", 3],
    ]);
  });

  it("on many is sent with the version of each, but words are for all of them", async () => {
    const { wall, server } = await watching([tile("a", { version: 2 }), tile("b", { version: 5 })]);
    await wall.open("b");
    await wall.send(["a", "b"], { act: "resume" });
    await wall.send(["a", "b"], { act: "message", note: "Hello" });
    const [resumed, told] = server.many.map(([, , { each }]) => each);
    expect(resumed).toEqual({ a: { version: 2 }, b: { version: 3 } }); // what stands open is read there
    expect(told).toEqual({ a: {}, b: {} });
  });

  it("on many is taken back where it can be, from the note of what came of it", async () => {
    const { wall, server, clock } = await watching([tile("a"), tile("b"), tile("c", { exam: "alg" })]);
    server.did = { undoable: true };
    await wall.send(["a", "b", "c"], { act: "extra-time", seconds: 600 });
    await clock.pass(MINUTE); // it stays: nowhere else can all of it be taken back
    const undo = { act: "extra-time", ofBySession: { a: "of-a", b: "of-b", c: "of-c" } } as const;
    expect(wall.sending.result.value).toEqual({ words: "Time given: 3 learners.", failed: [], undo });
    server.did = {};
    server.failed = [{ session: "b", code: "act-not-undoable", detail: "" }];
    await wall.undo(undo);
    expect(server.many.slice(2).map(([exam, , { act, each, request }]) => [exam, act, each, request])).toEqual([
      ["sds", "undo", { a: { of: "of-a" }, b: { of: "of-b" } }, "r2"],
      ["alg", "undo", { c: { of: "of-c" } }, "r2"],
    ]);
    expect(wall.sending.result.value).toEqual({ words: "Undone: 2 learners.", failed: server.failed });
  });

  it("on one is taken back in the same way, and its note leaves by itself", async () => {
    const { wall, server, clock } = await watching([tile("a", { learner: "Ada" })]);
    server.did = { undoable: true };
    await wall.send(["a"], { act: "extra-time", seconds: 600 });
    const undo = { act: "extra-time", ofBySession: { a: "a1" } } as const;
    expect(wall.sending.result.value?.undo).toEqual(undo);
    server.did = { undoable: false };
    await wall.undo(undo);
    expect(server.sent[1]).toEqual(["a", { act: "undo", of: "a1", request: "r2" }]);
    expect(wall.sending.result.value).toEqual({ words: "Undone: Ada.", failed: [] });
    await clock.pass(MINUTE);
    expect(wall.sending.result.value).toBe(null);
  });

  it.each([
    ["the note of what came of it", (wall: Wall) => wall.undo({ act: "admit-device", ofBySession: { a: "a1" } })],
    ["the list", (wall: Wall) => wall.undoListed("a", act("a1", { act: "admit-device" }))],
  ])("that let a device in is taken back from %s only by who is asked first", async (_, undo) => {
    const { wall, server } = await watching([tile("a", { version: 2 })]);
    await undo(wall);
    expect([server.sent, wall.sending.draft.value?.act]).toEqual([[], "undo"]);
    await wall.sending.confirm();
    expect(server.sent).toEqual([["a", { act: "undo", of: "a1", version: 2, request: "r1" }]]);
    expect(wall.sending.draft.value).toBe(null);
  });

  it("of another kind is taken back from the list at once", async () => {
    const { wall, server } = await watching([tile("a", { version: 2 })]);
    await wall.undoListed("a", act("a1", { act: "pause" }));
    expect(server.sent).toEqual([["a", { act: "undo", of: "a1", version: 2, request: "r1" }]]);
  });

  it("that ends many at once names the proposal that was read of each", async () => {
    const { wall, server } = await watching([tile("a"), tile("b")]);
    wall.ask("confirm-terminate", ["a", "b"], { ofBySession: { a: "a7", b: "a1" } });
    await wall.sending.confirm();
    expect(server.many[0]?.[2]).toMatchObject({
      act: "confirm-terminate",
      each: { a: { of: "a7" }, b: { of: "a1" } },
    });
  });

  it("on many names those for whom it was not done, and can select them", async () => {
    const { wall, server } = await watching([tile("a"), tile("b"), tile("c", { exam: "alg" })]);
    server.failed = [{ session: "b", code: "session-closed", detail: "it is over" }];
    wall.ask("message", ["a", "b", "c"]);
    wall.sending.write({ note: "Five minutes left." });
    await wall.sending.confirm();
    expect(server.many.map(([exam, sessions]) => [exam, sessions])).toEqual([
      ["sds", ["a", "b"]],
      ["alg", ["c"]],
    ]);
    expect(wall.sending.result.value?.failed[0]?.session).toBe("b");
  });

  it("of p pauses who works, and lets go on where all are paused", async () => {
    const { wall, server } = await watching([tile("a"), tile("b", { state: "paused" })]);
    wall.pauseOrResume(["a", "b"]);
    const left = [{ why: "paused", count: 1 }];
    expect(wall.sending.draft.value).toMatchObject({ act: "pause", sessions: ["a"], left });
    wall.pauseOrResume(["b"]);
    // A second p by mistake undoes no pause: it opens a dialog, as a pause does.
    expect([wall.sending.draft.value, server.sent]).toMatchObject([{ act: "resume", sessions: ["b"] }, []]);
    wall.sending.write({ code: "technical/network", note: "Your line is back." });
    await wall.sending.confirm();
    const sent = { act: "resume", code: "technical/network", note: "Your line is back.", version: 0, request: "r1" };
    expect(server.sent).toEqual([["b", sent]]);
  });

  it("that resumes needs neither a reason nor a note, as the server has it", async () => {
    const { wall, server } = await watching([tile("b", { state: "paused" })]);
    wall.pauseOrResume(["b"]);
    expect([await wall.sending.confirm(), server.sent]).toEqual([true, [["b", { act: "resume", version: 0, request: "r1" }]]]);
  });

  it("that is not possible opens nothing, and says why in one line", async () => {
    const over = tile("a", { learner: "Ada", state: "submitted" });
    const { wall, clock } = await watching([over, tile("b", { learner: "Ben", section: "" }), tile("c")]);
    const asked = (what: () => void) => {
      what();
      return [wall.sending.draft.value, wall.sending.result.value?.words];
    };
    const not = (words: string) => [null, words];
    expect(asked(() => wall.ask("message", ["a"]))).toEqual(
      not("Message to Ada: not possible. The exam is over."),
    );
    expect(asked(() => wall.ask("extra-time", ["a"]))).toEqual(
      not("Give time to Ada: not possible. The exam is over."),
    );
    expect(asked(() => wall.pauseOrResume(["a"]))).toEqual(
      not("Pause the exam of Ada: not possible. The exam is over."),
    );
    expect(asked(() => wall.ask("extra-time", ["b"]))).toEqual(
      not("Give time to Ben: not possible. No section is open: time can be given in an open one only."),
    );
    expect(asked(() => wall.ask("extra-time", ["a", "b"]))).toEqual(
      not("Give time to 2 learners: not possible. Left out: 1 is over, 1 has no section open."),
    );
    expect(asked(() => wall.ask("message", ["long-gone"]))[1]).toContain("The session is not on the wall");
    await clock.pass(MINUTE);
    expect(wall.sending.result.value).toBeNull();
    // What is read in a session of another device is answered there, though the exam is over.
    wall.ask("admit-device", ["a"], { ofBySession: { a: "d_2" } });
    expect(wall.sending.draft.value).toMatchObject({ act: "admit-device", sessions: ["a"] });
  });

  it("on all that are shown goes to those alone whom it can reach, and the others are counted", async () => {
    const over = ["x", "y", "z"].map((session) => tile(session, { state: "submitted" }));
    const { wall, server } = await watching([tile("a"), tile("b", { state: "invited" }), ...over]);
    wall.select(wall.board.shown.value);
    wall.ask("message", wall.targets(null));
    const left: Left[] = [{ why: "over", count: 3 }];
    expect(wall.sending.draft.value).toMatchObject({ left });
    expect(words.act.goesTo("message", 2, 5, left)).toBe("It goes to 2 of the 5 chosen. Left out: 3 are over.");
    expect(words.act.notHereYet(1, 2)).toBe("1 is not here yet, and reads it on coming.");
    wall.sending.write({ note: "Five minutes left." });
    await wall.sending.confirm();
    expect(server.many.map(([, sessions]) => [...sessions].sort())).toEqual([["a", "b"]]);
  });

  it("that restores a rule is about those that are lifted, and where none is it opens nothing", async () => {
    const { wall } = await watching([
      tile("a", { learner: "Ada" }),
      tile("b", { lifted: ["dark"] }),
      tile("c", { lifted: ["dark", "looped"] }),
    ]);
    wall.ask("restore-rule", ["a"]);
    expect([wall.sending.draft.value, wall.sending.result.value?.words]).toEqual([
      null,
      "Restore a rule for Ada: not possible. No rule is lifted.",
    ]);
    wall.ask("restore-rule", ["b"]);
    expect(wall.sending.draft.value).toMatchObject({ rule: "dark" }); // there is no other
    wall.ask("restore-rule", ["a", "b", "c"]);
    const draft = wall.sending.draft.value;
    expect(draft).toMatchObject({ rule: "", sessions: ["b", "c"], left: [{ why: "none-lifted", count: 1 }] });
    expect(draft === null ? [] : wall.rulesFor(draft)).toEqual([
      { rule: "looped", count: 1 },
      { rule: "dark", count: 2 },
    ]);
  });

  it("that lifts a rule does not begin with one that is lifted there already", async () => {
    const { wall } = await watching([tile("a"), tile("b", { lifted: ["dark"] })]);
    const dark = { code: "technical/network", note: "Night.", rule: "dark" };
    wall.ask("lift-rule", ["a"], dark);
    await wall.sending.confirm();
    wall.ask("lift-rule", ["a"]);
    expect(wall.sending.draft.value).toMatchObject({ rule: "dark" });
    wall.ask("lift-rule", ["b"]);
    expect(wall.sending.draft.value).toMatchObject({ rule: "" });
  });

  it("to one who asked something is its answer, unless that is unticked", async () => {
    const help = { topic: "question", text: "Which formula?", more: 0, since_ms: START };
    const { wall, server } = await watching([tile("a", { help }), tile("b")]);
    for (const answers of [true, false]) {
      wall.ask("message", ["a"]);
      expect(wall.sending.draft.value).toMatchObject({ answers: true });
      wall.sending.write({ note: "The second.", answers });
      await wall.sending.confirm();
    }
    wall.ask("message", ["a", "b"]);
    expect(wall.sending.draft.value).toMatchObject({ answers: false });
    expect(server.sent.map(([, { act }]) => act)).toEqual(["answer", "message"]);
  });

  it("leaves out who was refused at check-in, and says why where nobody is left", async () => {
    const refused = tile("no", { state: "check-in", id_check: "refused" });
    const { wall } = await watching([tile("a"), refused]);
    wall.ask("message", ["a", "no"]);
    expect(wall.sending.draft.value).toMatchObject({ sessions: ["a"] });
    wall.sending.cancel();
    wall.ask("message", ["no"]);
    expect([wall.sending.draft.value, wall.sending.result.value?.words]).toEqual([
      null,
      `Message to no: not possible. ${words.act.unfit.refused}`,
    ]);
    wall.ask("irregularity", ["no"]);
    expect(wall.sending.draft.value).toMatchObject({ sessions: ["no"] });
  });

  it("is for those selected, or else for the tile with the focus, or the open one", async () => {
    const { wall } = await watching([tile("a"), tile("b"), tile("c")]);
    expect(wall.targets(null)).toEqual([]);
    await wall.open("a");
    expect([wall.targets(null), wall.targets("b")]).toEqual([["a"], ["b"]]);
    wall.toggle("c");
    expect(wall.targets("b")).toEqual(["c"]);
    wall.toggle("c");
    expect(wall.targets(null)).toEqual(["a"]);
  });

  it("of an answer keeps the words until they were sent", async () => {
    const { wall, server } = await watching([tile("a")]);
    wall.writeAnswer("a", "Yes, you may.");
    server.fails = new ProblemError("nobody-calls", 409, "", "");
    await wall.answer("a");
    expect(wall.answers.value["a"]).toBe("Yes, you may.");
    await wall.answer("a");
    expect([wall.answers.value["a"], server.sent[0]?.[1].note]).toEqual(["", "Yes, you may."]);
  });
});

describe("taking", () => {
  it("is said on the line, and taken back by the same key", async () => {
    const { wall, lines } = await watching([tile("a")]);
    wall.toggleTake(["a"]);
    lines.delta([{ session: "a", taken_by: "noor" }]);
    wall.toggleTake(["a"]);
    expect(lines.last.said.slice(-2)).toEqual([
      { type: "take", sessions: ["a"] },
      { type: "release", sessions: ["a"] },
    ]);
  });
});

describe("an announcement", () => {
  it("says how many were told", async () => {
    const { wall, server } = await watching([]);
    await wall.sending.announce("sds", "", " Five minutes left. ");
    expect([server.announced, wall.sending.result.value?.words]).toEqual([
      ["sds: Five minutes left."],
      "Announced to 3 learners.",
    ]);
  });
});

describe("pictures", () => {
  it("are opened by one ticket an exam, renewed before it ends", async () => {
    const { wall, server, clock } = await watching([tile("a")]);
    const path = wall.tickets.path("sds");
    expect(wall.tickets.path("sds")).toBe(path);
    await rest();
    expect([path.value, server.watched]).toEqual(["/looks/sds", ["sds"]]);
    await clock.pass(4 * MINUTE);
    expect(server.watched).toEqual(["sds", "sds"]);
  });
});

describe("signing out", () => {
  it("leaves nothing for the next at this computer", async () => {
    const { wall, lines } = await watching([tile("a")]);
    await wall.open("a");
    wall.writeAnswer("a", "Half a");
    wall.ask("message", ["a"]);
    await wall.signOut();
    expect([order(wall), wall.board.tiles.size, wall.one.session.value, wall.sending.draft.value]).toEqual([
      [],
      0,
      null,
      null,
    ]);
    expect([wall.answers.value, lines.last.closed]).toEqual([{}, true]);
  });
});
