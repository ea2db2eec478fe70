import { describe, expect, it } from "vitest";
import {
  type Agreement,
  type AnswerToMark,
  type ExamRow,
  type LeadApi,
  type MarkGiven,
  type Marking,
  type MarkSent,
  ProblemError,
  type Released,
  Unreachable,
} from "../../src/api";
import { AgreementDesk } from "../../src/console/agreement-desk";
import { desk as words } from "../../src/text/desk";

const NOTHING: Agreement = { sessions: 0, decided: 0, pairs: [], rules: [], flags: [] };
const EXAMS = ["sds", "pom"].map((id): ExamRow => ({ id, title: id, policy: "p", sections: 1, sessions: 2 }));

class Server implements LeadApi {
  fails: Error | null = null;
  asked: string[] = [];
  released: Released = { done: [], failed: [] };
  answer: AnswerToMark = essay();
  sent: MarkSent[] = [];
  constructor(private readonly role: "lead" | "course-team" = "lead") {}
  signIn(name: string) {
    return Promise.resolve({ name, role: this.role, exams: null, expires_at_ms: 0 });
  }
  whoAmI() {
    return this.signIn("lena");
  }
  signOut() {
    return Promise.resolve();
  }
  exams() {
    return Promise.resolve(EXAMS);
  }
  agreement(exam: string) {
    this.asked.push(exam);
    return this.fails === null ? Promise.resolve(NOTHING) : Promise.reject(this.fails);
  }
  releaseResults() {
    return this.fails === null ? Promise.resolve(this.released) : Promise.reject(this.fails);
  }
  marking() {
    const row = { session: "s_1", learner: "Ada", group: "", released: false, marked: 0 };
    return Promise.resolve({ items: 1, sessions: [row] });
  }
  marks(session = "s_1"): Promise<Marking> {
    const answers = [this.answer];
    return Promise.resolve({ session, learner: "Ada", released: false, points: 0, possible: 9, answers });
  }
  mark(session: string, sent: MarkSent) {
    if (this.fails !== null) return Promise.reject(this.fails);
    this.sent.push(sent);
    const given = { points: sent.points, by: "lena", at_ms: 1 };
    this.answer = essay([...this.answer.marks, given]);
    return this.marks(session);
  }
  fileToMark(session: string, item: string) {
    if (this.fails !== null) return Promise.reject(this.fails);
    return Promise.resolve(new Blob([`${session} ${item}`]));
  }
}

const essay = (marks: MarkGiven[] = []): AnswerToMark => ({
  section: "part-c",
  item: "randomise",
  text: "Why?",
  response: "So that only chance differs.",
  possible: 2,
  marks,
});

async function marking(marks: MarkGiven[] = []) {
  const server = new Server("course-team");
  server.answer = essay(marks);
  const desk = new AgreementDesk(server);
  await desk.start("sds");
  await desk.openMarks("s_1");
  return { server, desk };
}

describe("the marks of the course team", () => {
  it("come with the file that is an answer, or with why it did not come", async () => {
    const { server, desk } = await marking();
    expect(await (await desk.file("essay"))?.text()).toBe("s_1 essay");
    server.fails = new Unreachable();
    expect(await desk.file("essay")).toBeNull();
    expect(desk.trouble.value).not.toBeNull();
  });

  it("gives what was typed, and corrects it against what stood there", async () => {
    const { server, desk } = await marking();
    desk.writePoints("randomise", " 1,5 ");
    await desk.mark(server.answer);
    desk.writePoints("randomise", "1");
    await desk.mark(server.answer);
    expect(server.sent).toEqual([
      { item: "randomise", points: 1.5, was: null },
      { item: "randomise", points: 1, was: 1.5 },
    ]);
    expect(desk.marked.value).toBe("Recorded for randomise: was 1.5, now 1.");
    expect(desk.marking.value?.sessions.map(({ marked }) => marked)).toEqual([1]);
    const [first, second] = server.answer.marks;
    expect(words.marks.mark(second!, first!)).toBe("was 1.5, now 1, by lena");
  });

  it.each(["", "3", "-1", "1.2345", "x", "1e0"])("sends no points that can't be: %j", async (typed) => {
    const { server, desk } = await marking();
    desk.writePoints("randomise", typed);
    await desk.mark(server.answer);
    expect([server.sent, desk.lacking.value]).toEqual([[], "randomise"]);
    desk.writePoints("randomise", "2");
    expect(desk.lacking.value).toBeNull();
  });

  it("shows what somebody else gave meanwhile, and keeps what was typed", async () => {
    const { server, desk } = await marking();
    desk.writePoints("randomise", "2");
    server.answer = essay([{ points: 1, by: "ann", at_ms: 1 }]);
    server.fails = new ProblemError("mark-changed", 409, "", "meanwhile ann has marked this answer: look again");
    await desk.mark(essay());
    expect(desk.trouble.value).toBe("Meanwhile ann has marked this answer: look again.");
    expect(desk.marks.value?.answers[0]?.marks.map(({ by }) => by)).toEqual(["ann"]);
    expect(desk.points.value).toEqual({ randomise: "2" });
  });

  it("are not asked for by whoever may not give any", async () => {
    const desk = new AgreementDesk(new Server("lead"));
    await desk.start("sds");
    expect(desk.marking.value).toBeNull();
  });
});

describe("the lead's page", () => {
  it("shows the exam that the address names, else the first", async () => {
    const server = new Server();
    await new AgreementDesk(server).start("pom");
    await new AgreementDesk(server).start(null);
    expect(server.asked).toEqual(["pom", "sds"]);
  });

  it("says that agreement is for the lead, and is no trouble for whoever has the tables", async () => {
    const server = new Server();
    server.fails = new ProblemError("role-not-allowed", 403, "", "");
    const desk = new AgreementDesk(server);
    await desk.start("sds");
    expect([desk.refused.value, desk.trouble.value]).toEqual([true, null]);
  });

  it("lets the course team release results, and says how many wait and for what", async () => {
    const server = new Server("course-team");
    const desk = new AgreementDesk(server);
    await desk.start("sds");
    const no = (session: string, code: string) => ({ session, code, detail: "" });
    server.released = {
      done: ["s_1", "s_2"],
      failed: [no("s_3", "not-decided-yet"), no("s_4", "not-decided-yet"), no("s_5", "odd")],
    };
    await desk.release();
    const { done, left } = words.results;
    expect(desk.released.value).toEqual([done(2), left("not-decided-yet", 2), left("odd", 1)]);
    expect([desk.releases(), desk.leads()]).toEqual([true, true]);
    server.fails = new Unreachable();
    await desk.release();
    expect(desk.trouble.value).toBe(words.results.unsure);
    await desk.choose("pom");
    expect(desk.released.value).toEqual([]);
  });

  it("tells nothing of an exam's results once another is chosen", async () => {
    const server = new Server("course-team");
    const desk = new AgreementDesk(server);
    await desk.start("sds");
    server.released = { done: ["s_1"], failed: [] };
    const releasing = desk.release();
    await desk.choose("pom");
    await releasing;
    expect([desk.exam.value, desk.released.value]).toEqual(["pom", []]);
  });

  it.each([
    ["0 of the exam's 1 session is decided", 0, 1],
    ["11,950 of the exam's 12,300 sessions are decided", 11_950, 12_300],
  ])("says how many sessions count: %s", (said, decided, sessions) => {
    expect(words.agreement.counted(decided, sessions)).toContain(`${said}.`);
  });

  it("offers results to nobody else", async () => {
    const desk = new AgreementDesk(new Server());
    await desk.start("sds");
    expect(desk.releases()).toBe(false);
  });

  it.each([
    ["nothing to compare", { n: 0, agree: 0, kappa: null, low: null, high: null }],
    ["too few to tell", { n: 4, agree: 0.75, kappa: 0.5, low: -0.3, high: 1 }],
    ["they agree", { n: 90, agree: 0.95, kappa: 0.85, low: 0.75, high: 0.95 }],
    ["they often differ: talk the rule over", { n: 90, agree: 0.5, kappa: 0.1, low: -0.1, high: 0.3 }],
    ["in between", { n: 90, agree: 0.8, kappa: 0.6, low: 0.5, high: 0.7 }],
  ])("says what numbers mean: %s", (said, kappa) => {
    expect(words.agreement.means(kappa)).toBe(said);
  });
});
