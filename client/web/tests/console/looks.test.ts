import { describe, expect, it } from "vitest";
import { type LookApi, type LookTicket, ProblemError, TooLate, Unreachable } from "../../src/api";
import { Looks, toldOf } from "../../src/console/looks";
import { START, timeline } from "../made";

const MINUTE = 60_000;

/** A server in memory that hands out tickets, and says no on demand. */
class Server implements LookApi {
  now = 0;
  asked: string[] = [];
  whys: string[] = [];
  fails: Error[] = [];
  private tickets = 0;

  look(_session: string, why: string): Promise<LookTicket> {
    this.whys.push(why);
    this.tickets += 1;
    return Promise.resolve({ path: `/looks/t${this.tickets}`, until_ms: this.now + 5 * MINUTE });
  }

  bytes(address: string): Promise<Blob> {
    this.asked.push(address);
    const fails = this.fails.shift();
    return fails === undefined ? Promise.resolve(new Blob([address])) : Promise.reject(fails);
  }
}

function made() {
  const server = new Server();
  const freed: string[] = [];
  let urls = 0;
  const looks = new Looks(server, () => "review", () => server.now, {
    make: () => `blob:${(urls += 1)}`,
    free: (url) => freed.push(url),
  });
  return { server, looks, freed };
}

const settled = () => new Promise((done) => setTimeout(done));
const problem = (code: string, status: number) => new ProblemError(code, status, "", "");

describe("looks at pictures", () => {
  it("asks for one ticket and for each picture once", async () => {
    const { server, looks } = made();
    const one = looks.picture("s_1", "aa");
    const same = looks.picture("s_1", "aa");
    looks.sheet("s_1", 2);
    expect(one.value).toEqual({ is: "coming" });
    await settled();
    expect(server.whys).toEqual(["review"]);
    expect(server.asked.sort()).toEqual(["/looks/t1/s_1/aa", "/looks/t1/s_1/strip/2"]);
    expect([one.value.is, same]).toEqual(["there", one]);
  });

  it("renews a ticket before it ends", async () => {
    const { server, looks } = made();
    looks.picture("s_1", "aa");
    await settled();
    server.now = 5 * MINUTE - 30_000;
    looks.picture("s_1", "bb");
    looks.picture("s_1", "cc");
    await settled();
    expect(server.whys).toHaveLength(2);
    expect(server.asked.slice(1)).toEqual(["/looks/t2/s_1/bb", "/looks/t2/s_1/cc"]);
  });

  it("tries once more with a fresh ticket where the server says that it has ended", async () => {
    const { server, looks } = made();
    server.fails = [problem("look-expired", 403)];
    const shown = looks.picture("s_1", "aa");
    await settled();
    expect(server.asked).toEqual(["/looks/t1/s_1/aa", "/looks/t2/s_1/aa"]);
    expect(shown.value.is).toBe("there");
  });

  it.each([
    ["a login that may not look", problem("role-not-allowed", 403), "forbidden"],
    ["a picture that is not there", problem("not-found", 404), "gone"],
    ["no answer", new Unreachable(), "unreachable"],
    ["no answer in time", new TooLate(), "late"],
  ])("says what went wrong: %s", async (_, error, why) => {
    const { server, looks } = made();
    server.fails = [error];
    const shown = looks.picture("s_1", "aa");
    await settled();
    expect(shown.value).toEqual({ is: "failed", why });
    looks.again("s_1", "aa");
    await settled();
    expect(shown.value.is).toBe("there");
  });

  it("asks for two sheets at once, and next for the one that was asked for last", async () => {
    const { server, looks } = made();
    const answers: (() => void)[] = [];
    server.bytes = (address) => {
      server.asked.push(address.split("/").at(-1) ?? "");
      return new Promise((done) => answers.push(() => done(new Blob())));
    };
    for (let n = 0; n < 5; n += 1) looks.sheet("s_1", n);
    looks.picture("s_1", "aa");
    await settled();
    expect(server.asked.sort()).toEqual(["0", "1", "aa"]);
    answers[0]?.();
    await settled();
    expect(server.asked.at(-1)).toBe("4");
  });

  it("waits for a sheet that is asked for once more, and says so", async () => {
    const { server, looks } = made();
    server.fails = [new TooLate()];
    const shown = looks.sheet("s_1", 0);
    await settled();
    expect(shown.value).toEqual({ is: "failed", why: "late" });
    looks.sheetAgain("s_1", 0);
    expect(shown.value).toEqual({ is: "coming" });
    await settled();
    expect(shown.value.is).toBe("there");
  });

  it("asks again for a ticket that was not to be had", async () => {
    const { server, looks } = made();
    const { look } = server;
    server.look = () => Promise.reject(new Unreachable());
    const shown = looks.picture("s_1", "aa");
    await settled();
    expect(shown.value).toEqual({ is: "failed", why: "unreachable" });
    server.look = look;
    looks.again("s_1", "aa");
    await settled();
    expect(shown.value.is).toBe("there");
  });

  it("keeps no more than it needs, those that were used last", async () => {
    const { server, looks, freed } = made();
    for (let n = 0; n < 200; n += 1) {
      looks.sheet("s_1", n);
      looks.picture("s_1", "face");
      await settled();
    }
    expect(freed).toHaveLength(41);
    expect(server.asked.filter((each) => each.endsWith("face"))).toHaveLength(1);
  });

  it("forgets all, and what comes later, too", async () => {
    const { looks, freed } = made();
    looks.picture("s_1", "aa");
    await settled();
    const late = looks.picture("s_1", "bb");
    looks.forget();
    await settled();
    expect(freed).toEqual(["blob:1"]);
    expect(late.value).toEqual({ is: "coming" });
  });
});

const BY_NOOR = { by: "noor", outcome: "clear", reasons: "", at_ms: START, flags: [] } as const;

it.each([
  ["to who has yet to decide, not the looks of others", "awaiting", [], "untilDecided"],
  ["to who has decided, all", "second-needed", [BY_NOOR], "whole"],
  ["of what is decided, all", "decided", [], "whole"],
  ["to who settles a contest, no look of others since", "contested", [{ ...BY_NOOR, by: "ann" }], "sinceAnswer"],
  ["to who decided before the contest, all", "contested", [BY_NOOR], "whole"],
] as const)("tells %s", (_, state, verdicts, told) => {
  const review = { state, outcome: null, verdicts: verdicts.map((each) => ({ ...each, flags: [] })) };
  expect(toldOf(timeline({ me: "noor", review }))).toBe(told);
});
