import { describe, expect, it } from "vitest";
import { ProblemError, Unreachable } from "../../src/api";
import {
  forget,
  keep,
  kept,
  letIn,
  linkTokenIn,
  notLetIn,
  ViewerApi,
} from "../../src/room/viewer";

/** What was asked, and an exam server that answers it. */
function net(status: number, answer: unknown) {
  const asked: { url: string; init: RequestInit }[] = [];
  const fetched = async (url: unknown, init?: RequestInit) => {
    asked.push({ url: String(url), init: init ?? {} });
    if (status === 0) throw new TypeError("no network");
    return new Response(typeof answer === "string" ? answer : JSON.stringify(answer), { status });
  };
  return { asked, fetched: fetched as typeof fetch };
}

/** The store of one tab. */
function tab(): Storage {
  const held = new Map<string, string>();
  return {
    getItem: (name: string) => held.get(name) ?? null,
    setItem: (name: string, value: string) => void held.set(name, value),
    removeItem: (name: string) => void held.delete(name),
  } as unknown as Storage;
}

const PROBLEM = { type: "urn:proctor:problem:viewer-link-unknown", title: "", status: 404 };

describe("a browser that looks", () => {
  it("comes with a link's token and goes on with its own", async () => {
    const { asked, fetched } = net(200, { session: "s_1", exam: "Chance", token: "s_1~t", until_ms: 1 });
    const viewer = await letIn("s_1~link", fetched);
    expect(viewer).toEqual({ exam: "Chance", token: "s_1~t", until_ms: 1 });
    expect(asked[0]?.url).toBe("/api/v1/viewer");
    expect(asked[0]?.init.body).toBe('{"token":"s_1~link"}');
    expect(asked[0]?.init.headers).not.toHaveProperty("Authorization");

    const later = net(200, { review: "decided" });
    const api = new ViewerApi(viewer, later.fetched);
    expect(await api.after("outcome")).toEqual({ review: "decided" });
    expect(await (await api.afterFile("bundle")).text()).toBe('{"review":"decided"}');
    await api.after("contest", { text: "x" });
    expect(later.asked.map(({ url, init }) => `${init.method} ${url}`)).toEqual([
      "GET /api/v1/session/outcome",
      "GET /api/v1/session/bundle",
      "POST /api/v1/session/contest",
    ]);
    for (const { init } of later.asked) {
      expect(init.headers).toMatchObject({ Authorization: "Bearer s_1~t" });
      expect(init.credentials).toBe("omit");
    }
  });

  it("is told why it can't", async () => {
    const { fetched } = net(404, PROBLEM);
    await expect(letIn("s_1~link", fetched)).rejects.toMatchObject({ code: "viewer-link-unknown" });
    await expect(new ViewerApi({ token: "t" }, net(0, "").fetched).after("outcome"))
      .rejects.toThrow(Unreachable);
    await expect(new ViewerApi({ token: "t" }, net(502, "<p>").fetched).after("outcome"))
      .rejects.toThrow(ProblemError);
  });

  it.each([
    [404, PROBLEM, "link"],
    [429, { type: "urn:proctor:problem:too-many-requests", title: "", status: 429 }, "refused"],
    [502, "<p>", "refused"],
    [200, { exam: "Chance" }, "unreachable"],
    [0, "", "unreachable"],
  ])("knows from %i %j whether its link may be tried again", async (status, answer, why) => {
    const error: unknown = await letIn("s_1~link", net(status, answer).fetched).catch((no) => no);
    expect(notLetIn(error)).toBe(why);
  });

  it("takes no place on its page for a link", () => {
    expect(["#s_1~link", "#answer", ""].map(linkTokenIn)).toEqual(["s_1~link", null, null]);
  });

  it("is remembered until its reader is done", () => {
    const store = tab();
    expect(kept(store)).toBeNull();
    const viewer = { exam: "Chance", token: "s_1~t", until_ms: 1 };
    keep(viewer, store);
    expect(kept(store)).toEqual(viewer);
    forget(store);
    expect(kept(store)).toBeNull();
  });

  it("goes on where nothing can be kept, or what was kept is spoilt", () => {
    const none = { getItem: () => "{", setItem: () => { throw new DOMException("full"); } } as unknown as Storage;
    keep({ exam: "", token: "t", until_ms: 1 }, none);
    expect(kept(none)).toBeNull();
    forget(none);
  });
});
