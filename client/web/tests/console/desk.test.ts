import { describe, expect, it } from "vitest";
import {
  ProblemError,
  type ReviewApi,
  type ReviewState,
  type Timeline,
  Unreachable,
  type VerdictGiven,
} from "../../src/api";
import { Desk } from "../../src/console/desk";
import { en } from "../../src/text/en";
import { flag, row, snapshot, START, timeline } from "../made";

const REFS = [snapshot(3)];
const ONE_FLAG = timeline({
  snapshots: [1, 2, 3, 4].map((seq) => snapshot(seq)),
  flags: [flag("person-count.d_web1.3", { snapshots: REFS }), flag("dark.d_web1.1", { flag_class: "quality" })],
});

/** A server in memory that can lose an answer or say no. */
class Server implements ReviewApi {
  sent: VerdictGiven[] = [];
  fails: Error | null = null;
  becomes: ReviewState = "second-needed";
  constructor(readonly held: Timeline = ONE_FLAG) {}

  private answer<T>(value: T): Promise<T> {
    const { fails } = this;
    this.fails = null;
    return fails === null ? Promise.resolve(value) : Promise.reject(fails);
  }
  signIn(name: string) {
    return this.answer({ name, role: "proctor" as const, expires_at_ms: 0 });
  }
  whoAmI() {
    return this.signIn("noor");
  }
  signOut() {
    return this.answer(undefined);
  }
  reviews() {
    const pictures = { waiting: 120, oldest_ms: START, behind: 1 };
    return this.answer({ reviews: [row("s_1"), row("s_2")], pictures });
  }
  timeline() {
    return this.answer(this.held);
  }
  async decide(_session: string, verdict: VerdictGiven) {
    this.sent.push(verdict);
    return this.answer({ state: this.becomes, outcome: null, verdicts: [] });
  }
}

async function opened(server = new Server()) {
  const desk = new Desk(server);
  await desk.start("s_1");
  return { desk, server };
}

function filled(desk: Desk) {
  desk.judge("upheld");
  desk.write({ outcome: "breach", reasons: "Two people at the desk." });
}

const OVER = () => new ProblemError("not-signed-in", 401, "", "");

describe("the desk", () => {
  it("opens a session at its first conduct flag and that flag's snapshot", async () => {
    const { desk } = await opened();
    expect(desk.flags.value[desk.flag.value]?.flag).toBe("person-count.d_web1.3");
    expect(desk.shots.value[desk.shot.value]?.seq).toBe(3);
  });

  it("judges no quality flag", async () => {
    const { desk } = await opened();
    desk.stepFlag(1);
    desk.judge("upheld");
    expect(desk.draft.value.judged).toEqual({});
  });

  it("sends nothing while something is missing, and leads to it", async () => {
    const { desk, server } = await opened();
    desk.stepFlag(1);
    await desk.confirm();
    expect(server.sent).toEqual([]);
    expect(desk.tried.value).toBe(true);
    expect(desk.flag.value).toBe(0); // turned back to the flag that waits for a judgement
    desk.judge("upheld");
    await desk.confirm();
    expect(desk.lacked.value).toEqual({ what: "outcome" });
  });

  it("asks once more before a breach is sent", async () => {
    const { desk, server } = await opened();
    filled(desk);
    await desk.confirm();
    expect([desk.asking.value, server.sent.length]).toEqual([true, 0]);
    await desk.confirm(true);
    expect(server.sent).toEqual([
      {
        outcome: "breach",
        reasons: "Two people at the desk.",
        flags: [{ flag: "person-count.d_web1.3", outcome: "upheld" }],
      },
    ]);
    expect(desk.recorded.value?.review.state).toBe("second-needed");
    expect(desk.next.value?.session).toBe("s_2");
  });

  it("gives no second verdict after the first is recorded", async () => {
    const { desk, server } = await opened();
    filled(desk);
    await desk.confirm(true);
    await desk.confirm(true);
    expect(server.sent).toHaveLength(1);
  });

  it("does not say that a verdict failed when only its answer was lost", async () => {
    const { desk, server } = await opened();
    filled(desk);
    server.fails = new Unreachable();
    await desk.confirm(true);
    expect(desk.trouble.value).toBe(en.trouble.verdictUnsure);
    expect(desk.draft.value.reasons).toBe("Two people at the desk.");
  });

  it("keeps half-written reasons over a login that ends, for the same person", async () => {
    const { desk, server } = await opened();
    filled(desk);
    server.fails = OVER();
    await desk.confirm(true);
    expect(desk.who.value).toEqual({ is: "nobody", because: en.signIn.over });
    await desk.signIn("noor", "x");
    expect(desk.draft.value.reasons).toBe("Two people at the desk.");
  });

  it("shows them to nobody else", async () => {
    const { desk, server } = await opened();
    filled(desk);
    server.fails = OVER();
    await desk.confirm(true);
    await desk.signIn("kim", "x");
    expect(desk.draft.value.reasons).toBe("");
  });

  it("says in words that name and password don't belong together", async () => {
    const server = new Server();
    server.fails = OVER();
    const desk = new Desk(server);
    await desk.start(null);
    server.fails = OVER();
    await desk.signIn("noor", "wrong");
    expect(desk.trouble.value).toBe(en.signIn.refused);
    expect(desk.who.value.is).toBe("nobody");
  });

  it("decides nothing where the server says one may not", async () => {
    const { desk, server } = await opened(
      new Server({ ...ONE_FLAG, may_decide: false, why_not: "it is decided" }),
    );
    filled(desk);
    await desk.confirm(true);
    expect([server.sent.length, desk.draft.value.judged]).toEqual([0, {}]);
  });

  it("knows how far the machine is behind", async () => {
    const { desk } = await opened();
    expect(desk.pictures.value?.waiting).toBe(120);
  });

  it("stops playing at the last snapshot", async () => {
    const { desk } = await opened();
    desk.play();
    desk.tick();
    expect([desk.shot.value, desk.playing.value]).toEqual([3, false]);
  });
});
