import { afterEach, describe, expect, it, vi } from "vitest";
import {
  ANSWER_MS,
  ask,
  bundleUrl,
  exportUrl,
  problemOf,
  ProblemError,
  TooLate,
  Unreachable,
} from "../src/api";
import { en } from "../src/text/en";
import { troubleWords } from "../src/text/problems";

const OURS = {
  type: "urn:proctor:problem:another-person-needed",
  title: "Another person needed",
  status: 409,
  detail: "noor has given a verdict already",
  by: "noor",
};

describe("a problem", () => {
  it("keeps its code, words and facts", () => {
    const problem = problemOf(409, OURS);
    expect(problem).toMatchObject({ code: "another-person-needed", status: 409, title: OURS.title });
    expect(problem.facts).toEqual({ by: "noor" });
    expect(problem.message).toBe(OURS.detail);
  });

  it.each([
    ["nothing", null],
    ["a text", "<html>Bad gateway</html>"],
    ["a list", [OURS]],
    ["a stranger's type", { type: "about:blank", title: 7, detail: {} }],
  ])("comes out of %s all the same", (_, body) => {
    expect(problemOf(502, body)).toMatchObject({ code: "unknown", status: 502, detail: "" });
  });

  it("believes the status of the answer, not of the body", () => {
    expect(problemOf(403, { ...OURS, status: 200 }).status).toBe(403);
  });
});

describe("in words", () => {
  it.each([
    ["a code we know", problemOf(409, OURS), en.trouble.codes["another-person-needed"]],
    ["a role too small", problemOf(403, null), en.trouble.forbidden],
    ["no answer", new Unreachable(), en.trouble.unreachable],
    ["a refusal we do not know", new ProblemError("new", 422, "T", "the sky is low"), "The sky is low."],
    ["a server that fell over", new ProblemError("x", 500, "T", "secret trace"), en.trouble.unknown(500)],
  ])("%s", (_, error, words) => {
    expect(troubleWords(error)).toBe(words);
  });

  it("words no bug of ours away", () => {
    expect(() => troubleWords(new TypeError("x"))).toThrow(TypeError);
  });
});

it("a name with a slash stays one part of an address", () => {
  expect(bundleUrl("s/../x")).toBe("/api/v1/sessions/s%2F..%2Fx/bundle");
  expect(exportUrl("a/b", "flags", "csv")).toBe("/api/v1/exams/a%2Fb/export/flags.csv");
  expect(exportUrl("a", "verdicts", "json")).toBe("/api/v1/exams/a/export/verdicts.json");
});

describe("an answer that never comes", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });

  it("is waited for no longer than its time", async () => {
    const time = new AbortController();
    const limit = vi.spyOn(AbortSignal, "timeout").mockReturnValue(time.signal);
    const never = (_: string, { signal }: RequestInit) =>
      new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(new Error())));
    vi.stubGlobal("fetch", never);
    const asked = ask("POST", "/sessions/s_1/acts", {});
    time.abort();
    await expect(asked).rejects.toBeInstanceOf(TooLate);
    expect(limit).toHaveBeenCalledWith(ANSWER_MS);
  });
});
