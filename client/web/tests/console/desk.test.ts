import { describe, expect, it } from "vitest";
import {
  type Assignment,
  type CommentGiven,
  ProblemError,
  type ReviewApi,
  type ReviewState,
  type Timeline,
  Unreachable,
  type VerdictGiven,
} from "../../src/api";
import { Desk } from "../../src/console/desk";
import { EvidenceBadge } from "../../src/console/evidence-badge";
import { pagesFor } from "../../src/console/login";
import { Looks } from "../../src/console/looks";
import { desk as words } from "../../src/text/desk";
import { en } from "../../src/text/en";
import { FLAG_REASONS, offeredFor, offeredForSession, SESSION_REASONS } from "../../src/text/reasons";
import { flag, row, snapshot, START, timeline } from "../made";

const REFS = [snapshot(3)];
const ONE_FLAG = timeline({
  snapshots: [1, 2, 3, 4].map((seq) => snapshot(seq)),
  flags: [flag("person-count.d_web1.3", { snapshots: REFS }), flag("dark.d_web1.1", { flag_class: "quality" })],
});

/** A server in memory that can lose an answer or say no. */
class Server implements ReviewApi {
  sent: VerdictGiven[] = [];
  given: Assignment[] = [];
  noted: CommentGiven[] = [];
  fails: Error | null = null;
  becomes: ReviewState = "second-needed";
  constructor(public held: Timeline = ONE_FLAG) {}

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
  look() {
    return this.answer({ path: "/looks/t", until_ms: Infinity });
  }
  bytes() {
    return this.answer(new Blob());
  }
  looks() {
    return this.answer([]);
  }
  assign(assignment: Assignment) {
    this.given.push(assignment);
    const [first, ...others] = assignment.sessions;
    const failed = others.map((session) => ({ session, code: "illegal-move", detail: "" }));
    return this.answer({ done: first === undefined ? [] : [first], failed });
  }
  comment(_session: string, comment: CommentGiven) {
    this.noted.push(comment);
    return this.answer([{ ...comment, by: "noor", written_at_ms: START }]);
  }
  async decide(_session: string, verdict: VerdictGiven) {
    this.sent.push(verdict);
    return this.answer({ state: this.becomes, outcome: null, verdicts: [] });
  }
}

async function opened(server = new Server()) {
  const desk = made(server);
  await desk.start("s_1");
  return { desk, server };
}

/** No threads and no pictures in here: what they do is tested beside them. */
function made(server: ReviewApi) {
  const urls = { make: () => "blob:1", free: () => undefined };
  let ids = 0;
  return new Desk(server, undefined, {
    newId: () => `request ${(ids += 1)}`,
    looks: new Looks(server, () => "review", Date.now, urls),
    evidence: new EvidenceBadge(() => ({
      postMessage: () => undefined,
      terminate: () => undefined,
      onmessage: null,
      onerror: null,
    })),
  });
}

function filled(desk: Desk) {
  desk.judge("upheld");
  desk.explain("Two people.");
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
    expect(desk.lacked.value).toMatchObject({ what: "flag-reason" });
    desk.reason(1);
    await desk.confirm();
    expect(desk.lacked.value).toEqual({ what: "outcome" });
    expect(desk.deciding.value).toBe(true);
  });

  it("obeys while the queue is fetched, and sends a verdict that is on its way no second time", async () => {
    const { desk, server } = await opened();
    const fetched = desk.list.refresh();
    await desk.confirm();
    expect(desk.tried.value).toBe(true);
    await fetched;
    filled(desk);
    await Promise.all([desk.confirm(true), desk.confirm(true)]);
    expect(server.sent.length).toBe(1);
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
        flags: [{ flag: "person-count.d_web1.3", outcome: "upheld", reason: "Two people." }],
        flags_seen: ["person-count.d_web1.3", "dark.d_web1.1"],
        request: "request 1",
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

  it("sends a verdict again under its id, and another one under another", async () => {
    const { desk, server } = await opened();
    filled(desk);
    server.fails = new Unreachable();
    await desk.confirm(true);
    server.fails = new Unreachable();
    await desk.confirm(true);
    desk.write({ reasons: "Three people at the desk." });
    await desk.confirm(true);
    expect(server.sent.map(({ request }) => request)).toEqual(["request 1", "request 1", "request 2"]);
    expect(desk.recorded.value?.outcome).toBe("breach");
  });

  it("shows how things stand where the verdict was given already", async () => {
    const { desk, server } = await opened();
    filled(desk);
    server.held = { ...ONE_FLAG, may_decide: false, why_not: "You have given your verdict." };
    server.fails = new ProblemError("another-person-needed", 403, "", "");
    await desk.confirm(true);
    expect(desk.mayDecide()).toBe(false);
    expect(desk.timeline.value?.why_not).toBe("You have given your verdict.");
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
    const desk = made(server);
    await desk.start(null);
    server.fails = OVER();
    await desk.signIn("noor", "wrong");
    expect(desk.trouble.value).toBe(en.signIn.refused);
    expect(desk.who.value.is).toBe("nobody");
  });

  it("names no page to a login that may not open it, and offers it no other try", async () => {
    const { desk, server } = await opened();
    expect(pagesFor(desk.who.value, "reviews")).toEqual(["wall", "reviews", "identity"]);
    const login = { name: "team", role: "course-team" as const, exams: null, expires_at_ms: 0 };
    desk.who.value = { is: "in", login };
    expect(pagesFor(desk.who.value, "reviews")).toEqual(["agreement"]);
    expect(pagesFor({ is: "nobody", because: null }, "reviews")).toEqual(["reviews"]);
    server.fails = new ProblemError("role-not-allowed", 403, "", "");
    await desk.open("s_1");
    expect([desk.trouble.value, desk.mayTryAgain()]).toEqual([en.trouble.forbidden, false]);
    server.fails = new Unreachable();
    await desk.open("s_1");
    expect(desk.mayTryAgain()).toBe(true);
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
    expect(desk.list.pictures.value?.waiting).toBe(120);
  });

  it("plays at half, once, twice and four times the speed, and stays as it was chosen", async () => {
    const { desk } = await opened();
    const speeds = [desk.speed.value];
    for (const by of [-1, -1, 1, 1, 1, 1] as const) {
      desk.faster(by);
      speeds.push(desk.speed.value);
    }
    expect(speeds).toEqual([1, 0.5, 0.5, 1, 2, 4, 4]);
    await desk.open("s1");
    expect(desk.speed.value).toBe(4);
  });

  it("stops playing at the last snapshot", async () => {
    const { desk } = await opened();
    desk.play();
    desk.tick();
    expect([desk.shot.value, desk.playing.value]).toEqual([3, false]);
  });

  it("clears three flags and the session with nine keys", async () => {
    const three = ["a", "b", "c"].map((name, at) =>
      flag(`person-count.${name}`, { started_at_ms: START + at }),
    );
    const { desk, server } = await opened(new Server(timeline({ flags: three })));
    for (const _ of three) {
      desk.judge("not-upheld");
      desk.reason(1);
    }
    expect(desk.deciding.value).toBe(true);
    desk.reason(1);
    await desk.confirm();
    const [clear] = SESSION_REASONS;
    const [words] = FLAG_REASONS["not-upheld"];
    expect(server.sent).toEqual([
      {
        outcome: "clear",
        reasons: clear?.words,
        flags: three.map(({ flag }) => ({ flag, outcome: "not-upheld", reason: words })),
        flags_seen: three.map(({ flag }) => flag),
        request: "request 1",
      },
    ]);
  });

  it("offers no sentence that an upheld flag belies, and keeps none that was chosen before", async () => {
    const { desk } = await opened();
    const numbers = () => offeredForSession(desk.draft.value).map(({ number }) => number);
    expect(numbers()).toEqual([1, 2, 4, 5, 6, 7, 8, 9]);
    desk.toVerdict();
    desk.reason(1);
    expect(desk.draft.value.reasons).toContain("No flag was upheld.");
    desk.toFlag(0);
    desk.judge("upheld");
    expect(desk.draft.value).toMatchObject({ outcome: "clear", reasons: "" });
    expect(numbers()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    desk.toVerdict();
    desk.reason(1);
    expect(desk.draft.value.reasons).toBe("");
    desk.reason(3);
    expect(desk.draft.value.reasons).toContain("What was upheld");
  });

  it.each([
    ["person-count", [1, 2, 3, 4, 6], [1, 2, 3, 4, 5, 6, 7]],
    ["another-person", [1, 2, 3, 4, 6], [1, 2, 3, 4, 5, 6, 7]],
    ["looped", [1, 4, 6], [1, 2, 4, 5, 6, 7]],
    ["left-page", [4, 5, 6], [1, 4, 5, 6, 7]],
    ["program", [4, 6], [1, 4, 5, 6, 7]],
    ["log-fork", [4, 6], [1, 4, 5, 6, 7]],
  ])("offers of a flag of %s what can be about its rule, each by the same key", async (kind, upheld, not) => {
    const numbers = (judged: "upheld" | "not-upheld") =>
      offeredFor(judged, kind).map(({ number }) => number);
    expect([numbers("upheld"), numbers("not-upheld")]).toEqual([upheld, not]);
    const { desk } = await opened(new Server(timeline({ flags: [flag(`${kind}.d_web1.3`)] })));
    desk.judge("upheld");
    desk.reason(kind === "left-page" ? 2 : 5);
    expect(desk.draft.value.judged[`${kind}.d_web1.3`]?.reason).toBe("");
  });

  it("gives no reason before a judgement, and says what comes first", async () => {
    const { desk } = await opened();
    desk.reason(1);
    expect([desk.draft.value.judged, desk.said.value]).toEqual([{}, en.verdict.judgeFirst]);
  });

  it("stands at the verdict where no flag is to be judged", async () => {
    const { desk } = await opened(new Server(timeline()));
    expect(desk.deciding.value).toBe(true);
  });

  it("brings nothing into view of itself when it opens a session, and what one turns to then", async () => {
    const { desk } = await opened();
    expect(desk.turned.value).toBe(false);
    desk.judge("upheld");
    expect(desk.turned.value).toBe(true);
    await desk.open("s_1");
    expect(desk.turned.value).toBe(false);
    desk.stepFlag(1);
    expect(desk.turned.value).toBe(true);
  });

  it("has the verdict behind the last flag, and comes back from it", async () => {
    const { desk } = await opened();
    desk.stepFlag(1);
    desk.stepFlag(1);
    expect(desk.deciding.value).toBe(true);
    desk.stepFlag(-1);
    expect([desk.deciding.value, desk.flag.value]).toEqual([false, 1]);
  });

  it("shows a flag that was raised meanwhile, and keeps what was written", async () => {
    const { desk, server } = await opened();
    filled(desk);
    server.held = { ...ONE_FLAG, flags: [...ONE_FLAG.flags, flag("looped.d_web1.9", { started_at_ms: START + 1 })] };
    server.fails = new ProblemError("stale-page", 409, "", "");
    await desk.confirm(true);
    expect(desk.flags.value[desk.flag.value]?.flag).toBe("looped.d_web1.9");
    expect(desk.trouble.value).toBe(en.trouble.codes["stale-page"]);
    expect(desk.draft.value.reasons).toBe("Two people at the desk.");
  });

  it("marks the moment of the snapshot in view; without words it says to look", async () => {
    const { desk, server } = await opened();
    desk.markHere();
    await desk.saveMark();
    expect(server.noted).toMatchObject([{ at_ms: REFS[0]?.at_ms, text: words.comment.empty }]);
    expect(desk.timeline.value?.comments).toHaveLength(1);
    expect(desk.mark.value).toBeNull();
  });

  it("keeps a mark that could not be saved", async () => {
    const { desk, server } = await opened();
    desk.markHere();
    desk.mark.value = { at_ms: START, text: "A poster?" };
    server.fails = new Unreachable();
    await desk.saveMark();
    expect(desk.mark.value?.text).toBe("A poster?");
    expect(desk.trouble.value).toBe(en.trouble.unreachable);
    await desk.saveMark();
    desk.mark.value = { at_ms: START, text: "A poster?" };
    await desk.saveMark();
    // The same once more is another one, once the first was answered.
    expect(server.noted.map(({ request }) => request)).toEqual(["request 1", "request 1", "request 2"]);
  });

  it("says of somebody who can't be given a session why not", () => {
    expect(words.assign.cannot("acted-alone", "bo")).toContain("bo is the only proctor");
    expect(words.assign.cannot("another-person-needed", "bo")).toContain("bo has given");
    expect(words.assign.cannot("not-found", "bo")).toBeNull();
  });

  it("takes what is chosen, names what could not be taken, and keeps that chosen", async () => {
    const { desk, server } = await opened();
    desk.toQueue();
    await new Promise((done) => setTimeout(done));
    desk.list.choose("s_1", true);
    desk.list.choose("s_2", true);
    desk.take();
    await new Promise((done) => setTimeout(done));
    expect(server.given).toEqual([{ sessions: ["s_1", "s_2"], to: "noor" }]);
    expect(desk.list.told.value).toHaveLength(2);
    expect([...desk.list.chosen.value]).toEqual(["s_2"]);
  });
});
