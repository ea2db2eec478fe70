import { describe, expect, it } from "vitest";
import { ProblemError, Unreachable } from "../../src/api";
import type { Wall } from "../../src/console/wall-desk";
import { wall as words } from "../../src/text/wall";
import { MINUTE, SECOND, START } from "../made";
import { rest, Server, Tab, tile, watching } from "./wall-made";

const ADA = tile("a", { learner: "Ada" });
const BEN = tile("b", { learner: "Ben" });
const PAUSE = { code: "technical/network", note: "The line." };
const over = () => new ProblemError("login-needed", 401, "", "");
const requests = ({ sent }: Server) => sent.map(([, { request }]) => request);
const headings = ({ sending }: Wall) => sending.lost.value.map(({ heading }) => heading);

/** Writes to somebody in a dialog of its own. */
async function write(wall: Wall, note: string, sessions = ["a"]): Promise<void> {
  wall.ask("message", sessions);
  wall.sending.write({ note });
  await wall.sending.confirm();
}

/** Sends what was lost first once more. */
async function again({ sending }: Wall): Promise<boolean> {
  const [sent] = sending.lost.value;
  return sent !== undefined && (await sending.sendAgain(sent));
}

/** A server that answers once it is let. */
function slow(server: Server): () => void {
  let let_ = () => {};
  server.slow = new Promise((resolve) => (let_ = resolve));
  return () => {
    server.slow = null;
    let_();
  };
}

describe("an act without an answer", () => {
  it("is kept as it was read, and is sent again as that", async () => {
    const { wall, server } = await watching([ADA]);
    await wall.open("a");
    server.fails = new Unreachable();
    server.loses = true;
    await wall.send(["a"], { act: "resume" });
    expect([headings(wall), wall.sending.result.value]).toEqual([["Resume the exam of Ada"], null]);
    server.loses = false;
    server.held = { version: 4 };
    await wall.open("a"); // what the page shows is newer by now
    expect(await again(wall)).toBe(true);
    const sent = { act: "resume", version: 3, request: "r1" };
    expect(server.sent).toEqual([
      ["a", sent],
      ["a", sent],
    ]);
    expect([headings(wall), wall.sending.result.value?.words]).toEqual([[], "Resumed: Ada."]);
    expect(await again(wall)).toBe(false);
  });

  it("is one that a proxy has answered, too", async () => {
    const { wall, server } = await watching([ADA]);
    server.fails = new ProblemError("unknown", 502, "", "");
    await write(wall, "Hello");
    expect(wall.sending.actTrouble.value).toBe(words.trouble.unsure);
    server.fails = new ProblemError("storage-full", 507, "", "full");
    await write(wall, "Goodbye");
    expect(wall.sending.lost.value.map(({ act }) => act.note)).toEqual(["Hello"]); // nothing was stored
  });

  it("is the same in its dialog, however long that stands, until something else is written", async () => {
    const { wall, server, clock } = await watching([ADA, BEN]);
    const { sending } = wall;
    server.fails = new Unreachable();
    await write(wall, "Five minutes.", ["a", "b"]);
    await clock.pass(30 * MINUTE);
    expect([sending.sentBefore.value?.at_ms, sending.actTrouble.value]).toEqual([START, words.trouble.unsure]);
    sending.write({ note: "Ten minutes." });
    expect(sending.sentBefore.value).toBe(null);
    sending.write({ note: "Five minutes." });
    await sending.confirm();
    expect([server.many[0]?.[2].request, sending.draft.value, headings(wall)]).toEqual(["r1", null, []]);
    await write(wall, "Five minutes.", ["a", "b"]);
    expect(server.many[1]?.[2].request).toBe("r2"); // said twice on purpose
  });

  it("is the same in another dialog with its words, until its note is closed", async () => {
    const { wall, server, clock } = await watching([ADA]);
    server.fails = new Unreachable();
    await write(wall, "Hello");
    wall.sending.cancel();
    await clock.pass(30 * MINUTE);
    server.fails = new Unreachable();
    await write(wall, "Hello");
    expect(headings(wall)).toEqual(["Message to Ada"]);
    const [lost] = wall.sending.lost.value;
    if (lost !== undefined) wall.sending.dismiss(lost);
    await write(wall, "Hello");
    expect(requests(server)).toEqual(["r2"]);
  });

  it("is kept beside others, each with its own words and time", async () => {
    const { wall, server, clock } = await watching([ADA, BEN]);
    for (const session of ["a", "b"]) {
      server.fails = new Unreachable();
      await write(wall, `Hello ${session}`, [session]);
      await clock.pass(MINUTE);
    }
    await write(wall, "Good morning", ["b"]);
    wall.take(["b"], true);
    const said = wall.sending.lost.value.map((sent) => [sent.heading, sent.act.note, wall.sending.when(sent)]);
    expect(said).toEqual([
      ["Message to Ada", "Hello a", "13:00"],
      ["Message to Ben", "Hello b", "13:01"],
    ]);
  });

  it("stays known where a new try is refused for what says nothing of the first", async () => {
    const { wall, server } = await watching([ADA]);
    server.fails = new Unreachable();
    await write(wall, "Hello");
    server.fails = over();
    await wall.sending.confirm();
    await wall.signIn("noor", "secret");
    expect(wall.sending.draft.value?.note).toBe("Hello");
    await wall.sending.confirm();
    expect([requests(server), headings(wall)]).toEqual([["r1"], []]);
  });

  it("is forgotten once the act itself is refused: it was not done", async () => {
    const { wall, server } = await watching([ADA]);
    server.fails = new Unreachable();
    await write(wall, "Hello");
    server.fails = new ProblemError("session-closed", 403, "", "");
    await wall.sending.confirm();
    expect([headings(wall), wall.sending.actTrouble.value]).toEqual([[], words.trouble.codes["session-closed"]]);
  });

  it("without words is decided anew by the next press", async () => {
    const { wall, server } = await watching([tile("a", { state: "paused" })]);
    server.fails = new Unreachable();
    await wall.send(["a"], { act: "resume" });
    await wall.send(["a"], { act: "resume" });
    expect([requests(server), headings(wall)]).toEqual([["r2"], []]);
  });

  it("of an answer takes away no words that were written since", async () => {
    const { wall, server } = await watching([ADA]);
    wall.writeAnswer("a", "Yes.");
    server.fails = new Unreachable();
    await wall.answer("a");
    wall.writeAnswer("a", "Yes, but in words.");
    await again(wall);
    expect([server.sent[0]?.[1].note, wall.answers.value["a"]]).toEqual(["Yes.", "Yes, but in words."]);
  });

  it("of an announcement is sent again as the same", async () => {
    const { wall, server } = await watching([]);
    const { sending } = wall;
    sending.startAnnouncing();
    server.fails = new Unreachable();
    expect(await sending.announce("sds", "", "Stop.")).toBe(false);
    expect([sending.announcedBefore("sds", "", "Stop. ")?.heading, sending.announcedBefore("sds", "", "Go.")]).toEqual([
      "Announcement to all of Statistics",
      null,
    ]);
    sending.stopAnnouncing();
    expect(await again(wall)).toBe(true);
    expect(server.requests).toEqual(["r1", "r1"]);
  });
});

describe("what was done already", () => {
  const LATER = { now_ms: START + 70 * SECOND };

  it.each([
    ["has lapsed", "terminate", { lapsed: true }, LATER, words.act.since.lapsed],
    ["was taken back", "extra-time", { undone: true }, LATER, words.act.since.undone],
    ["was paused anew", "resume", {}, { ...LATER, state: "paused" }, words.act.since.changed("paused")],
    ["was withdrawn", "terminate", {}, LATER, words.act.since.changed("running")],
  ] as const)("and %s since is not said to be done now", async (_, kind, did, held, since) => {
    const { wall, server } = await watching([ADA]);
    server.fails = new Unreachable();
    await wall.send(["a"], { act: kind, note: "Why." });
    server.did = did;
    server.held = held;
    await again(wall);
    const said = wall.sending.result.value?.words ?? "";
    expect(said).toContain(`at 13:00 already, and not a second time. ${since}`);
    expect(said).not.toContain(words.act.done[kind]?.("Ada"));
  });

  it("and stands is said with its time", async () => {
    const { wall, server } = await watching([ADA]);
    server.fails = new Unreachable();
    await write(wall, "Hello");
    server.held = LATER;
    await wall.sending.confirm();
    expect(wall.sending.result.value?.words).toBe("Sent to Ada. It was done at 13:00, and not a second time.");
  });
});

describe("a dialog", () => {
  it("that was opened meanwhile is neither closed nor filled by the act of another", async () => {
    const { wall, server } = await watching([ADA]);
    const { sending } = wall;
    for (const fails of [null, new ProblemError("session-closed", 403, "", "")]) {
      const answer = slow(server);
      server.fails = fails;
      wall.ask("pause", ["a"], PAUSE);
      const sent = sending.confirm();
      sending.cancel();
      wall.ask("message", ["a"], { note: "Half a" });
      expect(sending.doingAct.value).toBe(false);
      answer();
      await sent;
      expect([sending.draft.value?.note, sending.actTrouble.value]).toEqual(["Half a", null]);
    }
    expect(sending.result.value?.words).toBe(
      `Pause the exam of Ada: ${words.trouble.codes["session-closed"] ?? ""}`,
    );
  });

  it("that refuses another's device starts without the reason that the first was told", async () => {
    const { wall, server } = await watching([ADA, BEN]);
    wall.ask("refuse-device", ["a"], { ...PAUSE, ofBySession: { a: "d_2" } });
    await wall.sending.confirm();
    wall.ask("refuse-device", ["b"], { ofBySession: { b: "d_3" } });
    expect(await wall.sending.confirm()).toBe(false);
    expect([wall.sending.lacks.value, server.sent.length]).toEqual([["code"], 1]);
  });

  it("says the trouble of its own act alone", async () => {
    const { wall, server } = await watching([ADA]);
    const { sending } = wall;
    server.fails = new ProblemError("illegal-move", 409, "", "");
    await write(wall, "Hello");
    expect(sending.actTrouble.value).toBe(words.trouble.codes["illegal-move"]);
    wall.ask("pause", ["a"]);
    expect(sending.actTrouble.value).toBe(null);
    sending.cancel();
    sending.startAnnouncing();
    expect(sending.announceTrouble.value).toBe(null);
  });

  it("sends the version that was read as it opened", async () => {
    const { wall, server, clock } = await watching([ADA]);
    await wall.open("a");
    wall.ask("extra-time", ["a"], PAUSE);
    server.held = { version: 4 };
    await clock.pass(10 * SECOND);
    wall.tick();
    await rest();
    expect(wall.one.opened.value?.version).toBe(4);
    await wall.sending.confirm();
    expect(server.sent[0]?.[1].version).toBe(3);
  });

  it("that was told of a stale page sends the version that it was told of", async () => {
    const { wall, server } = await watching([ADA]);
    await wall.open("a");
    wall.ask("extra-time", ["a"], PAUSE);
    server.fails = new ProblemError("stale-page", 409, "", "", { by: "sam", act: "pause", version: 5 });
    await wall.sending.confirm();
    await wall.sending.confirm();
    expect(server.sent.map(([, { version }]) => version)).toEqual([5]);
  });

  it("hands the same in once, however often it is pressed", async () => {
    const { wall, server } = await watching([ADA, BEN]);
    const answer = slow(server);
    const both = [wall.send(["a", "b"], { act: "resume" }), wall.send(["a", "b"], { act: "resume" })];
    answer();
    expect(await Promise.all(both)).toEqual([true, false]);
    expect(server.many.length).toBe(1);
  });

  it("is not held up by another's act that waits for its answer", async () => {
    const { wall, server } = await watching([ADA, BEN]);
    const answer = slow(server);
    const first = wall.send(["a"], { act: "resume" });
    server.slow = null;
    await write(wall, "Hello", ["b"]);
    expect(server.sent.map(([session]) => session)).toEqual(["b"]);
    answer();
    await first;
  });
});

describe("an act on many", () => {
  const IN_ALG = tile("c", { learner: "Cem", exam: "alg" });

  it("is not done again to those who had it, where it failed for others", async () => {
    const { wall, server } = await watching([ADA, BEN, IN_ALG]);
    server.failed = [{ session: "b", code: "session-closed", detail: "" }];
    server.failsFor = "alg";
    server.fails = over();
    await write(wall, "Hello", ["a", "b", "c"]);
    expect(wall.sending.result.value).toEqual({ words: "Sent to 1 learner.", failed: server.failed });
    await wall.signIn("noor", "secret");
    await wall.sending.confirm();
    expect(server.many.map(([exam, , { request }]) => [exam, request])).toEqual([
      ["sds", "r1"],
      ["alg", "r1"],
    ]);
    const { words: said, failed } = wall.sending.result.value ?? {};
    expect([said, failed?.length, headings(wall)]).toEqual(["Sent to 2 learners.", 1, []]);
  });

  it("names all of an exam that refuses it, and goes on with the others", async () => {
    const { wall, server } = await watching([ADA, IN_ALG]);
    server.failsFor = "sds";
    server.fails = new ProblemError("not-found", 404, "", "gone");
    await write(wall, "Hello", ["a", "c"]);
    expect(wall.sending.result.value).toEqual({
      words: "Sent to 1 learner.",
      failed: [{ session: "a", code: "not-found", detail: "gone" }],
    });
  });

  it("leaves nobody out whose tile has gone meanwhile", async () => {
    const { wall, server, lines } = await watching([ADA, BEN]);
    wall.ask("message", ["a", "b", "never-here"], { note: "Hello" });
    expect(wall.sending.draft.value).toMatchObject({ left: [{ why: "gone", count: 1 }] });
    lines.delta([], ["a"]);
    await wall.sending.confirm();
    await wall.send(["a", "b", "never-here"], { act: "message", note: "Hello" });
    expect(server.many.map(([, sessions]) => sessions)).toEqual([["a", "b"], ["a", "b"]]);
    const failed = wall.sending.result.value?.failed.map(({ session }) => session);
    expect([failed, wall.nameOf("a")]).toEqual([["never-here"], "Ada"]);
  });
});

describe("the next proctor at this computer", () => {
  it("finds nothing of the one whose login has ended", async () => {
    const { wall, server } = await watching([ADA]);
    const { sending } = wall;
    wall.select(["a"]);
    wall.want({ search: "Ada", exam: "sds" });
    wall.writeAnswer("a", "Half a");
    server.fails = new Unreachable();
    await write(wall, "Hello");
    server.fails = over();
    await sending.confirm();
    sending.tell({ words: "Paused: Ada.", failed: [] });
    expect(wall.who.value.is).toBe("nobody");
    await wall.signIn("sam", "secret");
    const left = [sending.draft.value, sending.result.value, sending.lost.value, [...wall.selected.value]];
    expect(left).toEqual([null, null, [], []]);
    expect([wall.answers.value, wall.board.tiles.size]).toEqual([{}, 0]);
    expect(wall.board.wanted.value).toMatchObject({ search: "", exam: "sds" });
  });

  it.each([
    ["an answer", null],
    ["none", new Unreachable()],
  ])("hears of no act of the one before, whether it had %s", async (_, fails) => {
    const { wall, server } = await watching([ADA]);
    const answer = slow(server);
    server.fails = fails;
    const sent = wall.send(["a"], { act: "resume" });
    await wall.signOut();
    answer();
    await sent;
    expect([wall.sending.result.value, wall.sending.lost.value]).toEqual([null, []]);
  });
});

/** A page loaded anew, where one has to sign in: no answer came to the last message. */
async function signInAfterLostMessage() {
  const [server, tab] = [new Server(), new Tab()];
  const before = await watching([ADA], server, tab);
  server.fails = new Unreachable();
  await write(before.wall, "Hello");

  server.signedIn = false;
  const { wall } = await watching([ADA], server, tab);
  return { tab, wall };
}

describe("after the page was loaded anew", () => {
  it("what no answer came to is offered again, and is sent as the same decision", async () => {
    const [server, tab] = [new Server(), new Tab()];
    const before = await watching([ADA], server, tab);
    await before.wall.open("a");
    server.fails = new Unreachable();
    server.loses = true;
    await write(before.wall, "Hello");
    server.loses = false;

    const { wall, clock } = await watching([ADA], server, tab);
    const [lost] = wall.sending.lost.value;
    expect([headings(wall), lost?.unsure]).toEqual([["Message to Ada"], true]);
    expect(lost?.at_ms).toBe(START);
    await clock.pass(MINUTE);
    expect(await again(wall)).toBe(true);
    expect(server.sent[1]).toEqual(server.sent[0]); // its request, and the version it was decided on
    expect(headings(wall)).toEqual([]);
    expect(headings((await watching([ADA], server, tab)).wall)).toEqual([]);
  });

  it("what was still under way is offered, too", async () => {
    const [server, tab] = [new Server(), new Tab()];
    const before = await watching([ADA], server, tab);
    const answer = slow(server);
    const sent = before.wall.send(["a"], { act: "resume" });
    const { wall } = await watching([ADA], server, tab);
    expect(headings(wall)).toEqual(["Resume the exam of Ada"]);
    answer();
    await sent;
  });

  it("many are sent to by exam though their tiles have gone, and an announcement to its exam", async () => {
    const [server, tab] = [new Server(), new Tab()];
    const before = await watching([ADA, BEN], server, tab);
    server.fails = new Unreachable();
    await write(before.wall, "Hello", ["a", "b"]);
    server.fails = new Unreachable();
    await before.wall.sending.announce("sds", "", "Five minutes left.");

    const { wall } = await watching([], server, tab);
    expect(headings(wall)).toEqual(["Message to 2 learners", "Announcement to all of Statistics"]);
    expect([await again(wall), await again(wall)]).toEqual([true, true]);
    expect(server.many.map(([exam, sessions, { request }]) => [exam, sessions, request])).toEqual([["sds", ["a", "b"], "r1"]]);
    expect([server.announced, server.requests]).toEqual([["sds: Five minutes left."], ["r2", "r2"]]);
  });

  it("nobody else is offered it, and nothing is left of it", async () => {
    const { tab, wall } = await signInAfterLostMessage();
    await wall.signIn("sam", "secret");
    expect(headings(wall)).toEqual([]);
    expect(tab.text).not.toContain("Hello");
  });

  it("who has to sign in again is offered it, and who signs out leaves nothing", async () => {
    const { tab, wall } = await signInAfterLostMessage();
    await wall.signIn("noor", "secret");
    expect(headings(wall)).toEqual(["Message to Ada"]);
    await wall.signOut();
    expect(tab.text).not.toContain("Hello");
  });
});
