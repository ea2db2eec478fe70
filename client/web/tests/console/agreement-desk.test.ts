import { describe, expect, it } from "vitest";
import {
  type Agreement,
  type ExamRow,
  type LeadApi,
  ProblemError,
  type Released,
  Unreachable,
} from "../../src/api";
import { AgreementDesk } from "../../src/console/agreement-desk";
import { desk as words } from "../../src/text/desk";

const NOTHING: Agreement = { pairs: [], rules: [], flags: [] };
const EXAMS = ["sds", "pom"].map((id): ExamRow => ({ id, title: id, policy: "p", sections: 1, sessions: 2 }));

class Server implements LeadApi {
  fails: Error | null = null;
  asked: string[] = [];
  released: Released = { done: [], failed: [] };
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
}

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
