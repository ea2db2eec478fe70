import { describe, expect, it } from "vitest";
import { type IdApi, type IdDesk, type IdSent, ProblemError, Unreachable } from "../../src/api";
import { IdentityDesk } from "../../src/console/identity-desk";
import { en } from "../../src/text/en";
import { identity } from "../../src/text/identity";
import { idDesk, idRow, START } from "../made";

/** A server in memory that can lose an answer or say no. */
class Server implements IdApi {
  held = idDesk("s_1");
  rows = [idRow("s_1"), idRow("s_2")];
  sent: IdSent[] = [];
  fails: Error | null = null;
  asked = 0;

  private answer<T>(value: T): Promise<T> {
    const { fails } = this;
    this.fails = null;
    return fails === null ? Promise.resolve(value) : Promise.reject(fails);
  }
  signIn(name: string) {
    return this.answer({ name, role: "proctor" as const, exams: null, expires_at_ms: 0 });
  }
  whoAmI() {
    return this.signIn("noor");
  }
  look() {
    return this.answer({ path: "/looks/t", until_ms: Infinity });
  }
  bytes() {
    return this.answer(new Blob());
  }
  signOut() {
    return this.answer(undefined);
  }
  idChecks() {
    this.asked += 1;
    const now_ms = START + 60_000;
    return this.answer({ now_ms, waiting: this.rows, waited_s_median: null, waited_s_longest: 60 });
  }
  idCheck() {
    return this.answer({ ...this.held });
  }
  async decideId(_session: string, decided: IdSent): Promise<IdDesk> {
    const told = await this.answer(idDesk("s_1", { state: decided.event, by: "noor" }));
    this.sent.push(decided);
    this.held = told;
    this.rows = [idRow("s_2")];
    return told;
  }
}

async function opened(server = new Server()) {
  const desk = new IdentityDesk(server);
  await desk.start("s_1");
  return { desk, server };
}

const OVER = () => new ProblemError("not-signed-in", 401, "", "");
const MOVED = () => new ProblemError("illegal-move", 409, "", "");

describe("the page of ID checks", () => {
  it("sends nothing while something is missing, and leads to it", async () => {
    const { desk, server } = await opened();
    await desk.confirm();
    expect(desk.lacked.value).toEqual({ what: "event" });
    desk.choose("refused");
    await desk.confirm();
    expect([desk.lacked.value, server.sent]).toEqual([{ what: "note" }, []]);
  });

  it("records an act, and offers the next learner", async () => {
    const { desk, server } = await opened();
    desk.choose("asked-again");
    desk.write({ code: "blurred" });
    await desk.confirm();
    const seen = { face: "aa", document: "bb" };
    expect(server.sent).toEqual([{ event: "asked-again", code: "blurred", reason: "", seen }]);
    expect(desk.recorded.value?.event).toBe("asked-again");
    expect(desk.next.value?.session).toBe("s_2");
    expect(desk.stale.value).toBe(false);
  });

  it("tells waits by the server's clock, not by this computer's", async () => {
    const { desk, server } = await opened();
    expect(Math.abs(Date.now() + desk.ahead_ms - (START + 60_000))).toBeLessThan(5000);
    server.rows = []; // also while nobody waits
    await desk.poll();
    expect(Math.abs(Date.now() + desk.ahead_ms - (START + 60_000))).toBeLessThan(5000);
  });

  it("shows nothing anew only because time passes", async () => {
    const { desk, server } = await opened();
    const before = desk.check.value;
    server.held = idDesk("s_1", { now_ms: START + 4000 });
    await desk.poll();
    expect(desk.check.value).toBe(before);
  });

  it("says that other pictures came meanwhile, and shows them", async () => {
    const { desk, server } = await opened();
    desk.choose("accepted");
    const face = { device: "d_web1", seq: 9, sha256: "cc", at_ms: START };
    server.held = idDesk("s_1", { face });
    server.fails = new ProblemError("id-check-changed", 409, "", "");
    await desk.confirm();
    expect([desk.stale.value, desk.check.value?.face?.sha256]).toEqual([true, "cc"]);
    await desk.confirm();
    expect(server.sent.map((sent) => sent.seen.face)).toEqual(["cc"]);
  });

  it("lists one exam alone, names it in the address and keeps it from one check to the next", async () => {
    const server = new Server();
    server.rows = [idRow("s_1"), idRow("s_2", { exam: "alg", exam_title: "Algebra" })];
    const went: (string | null)[][] = [];
    const desk = new IdentityDesk(server, (...to) => went.push(to));
    await desk.start(null, "alg");
    expect(desk.groups.value.held.map((row) => row.session)).toEqual(["s_2"]);
    desk.step(1);
    desk.toQueue();
    desk.only(null);
    expect(went).toEqual([
      ["s_2", "alg"],
      [null, "alg"],
      [null, null],
    ]);
    expect(desk.groups.value.held).toHaveLength(2);
  });

  it("records nothing twice", async () => {
    const { desk, server } = await opened();
    desk.choose("accepted");
    await Promise.all([desk.confirm(), desk.confirm()]);
    await desk.confirm();
    expect(server.sent).toHaveLength(1);
  });

  it("keeps the words of each act apart", async () => {
    const { desk } = await opened();
    desk.choose("refused");
    desk.writeNote("Another person.");
    desk.choose("vouched");
    expect(desk.draft.value.notes.vouched).toBeUndefined();
    desk.choose("refused");
    expect(desk.draft.value.notes.refused).toBe("Another person.");
  });

  it("tells of a decision of somebody else, and keeps what was written", async () => {
    const { desk, server } = await opened();
    desk.choose("refused");
    desk.writeNote("Another person.");
    server.held = idDesk("s_1", { state: "accepted", by: "ben" });
    await desk.poll();
    expect([desk.stale.value, desk.check.value?.by]).toEqual([true, "ben"]);
    expect(desk.draft.value.notes.refused).toBe("Another person.");
  });

  it("tells of it where the server says so, too", async () => {
    const { desk, server } = await opened();
    desk.choose("vouched");
    desk.writeNote("The dean knows her.");
    server.held = idDesk("s_1", { state: "accepted", by: "ben" });
    server.fails = MOVED();
    await desk.confirm();
    expect([desk.stale.value, desk.trouble.value]).toEqual([true, null]);
    expect(desk.acts.value).toEqual(["asked-again", "refused"]);
    expect(desk.draft.value.notes.vouched).toBe("The dean knows her.");
  });

  it("says what the server said where nothing has changed", async () => {
    const { desk, server } = await opened();
    desk.choose("accepted");
    server.fails = MOVED();
    await desk.confirm();
    expect([desk.stale.value, desk.trouble.value]).toEqual([false, en.trouble.codes["illegal-move"]]);
  });

  it("sends no act that is not open any more", async () => {
    const { desk, server } = await opened();
    desk.choose("vouched");
    desk.writeNote("The dean knows her.");
    server.held = idDesk("s_1", { state: "accepted", by: "ben" });
    await desk.poll();
    await desk.confirm();
    expect([server.sent, desk.lacked.value]).toEqual([[], { what: "event" }]);
  });

  it("shows at once what the machine has read meanwhile, without a word", async () => {
    const { desk, server } = await opened();
    server.held = idDesk("s_1", { assurance: ["The digits hold."] });
    await desk.poll();
    expect(desk.check.value?.assurance).toEqual(["The digits hold."]);
    expect(desk.stale.value).toBe(false);
  });

  it("does not say that an act failed when only its answer was lost", async () => {
    const { desk, server } = await opened();
    desk.choose("accepted");
    server.fails = new Unreachable();
    await desk.confirm();
    expect(desk.trouble.value).toBe(identity.trouble.unsure);
    expect(desk.draft.value.event).toBe("accepted");
  });

  it("says that the list may be old, until it is fetched again", async () => {
    const { desk, server } = await opened();
    server.fails = new Unreachable();
    await desk.poll();
    expect([desk.old.value, desk.trouble.value]).toEqual([true, null]);
    await desk.poll();
    expect(desk.old.value).toBe(false);
  });

  it("keeps half-written words over a login that ends, for the same person alone", async () => {
    const { desk, server } = await opened();
    desk.choose("refused");
    desk.writeNote("Another person.");
    server.fails = OVER();
    await desk.poll();
    expect(desk.who.value).toEqual({ is: "nobody", because: en.signIn.over });
    await desk.signIn("noor", "x");
    expect(desk.draft.value.notes.refused).toBe("Another person.");
    server.fails = OVER();
    await desk.poll();
    await desk.signIn("kim", "x");
    expect(desk.draft.value.event).toBeNull();
  });

  it("asks for nothing where nobody is signed in", async () => {
    const { desk, server } = await opened();
    await desk.signOut();
    const before = server.asked;
    await desk.poll();
    expect([server.asked, desk.queue.value, desk.check.value]).toEqual([before, null, null]);
  });
});
