import { signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ProblemError, Unreachable } from "../../src/api";
import type { CameraState } from "../../src/room/camera";
import type { Row } from "../../src/room/readiness";
import { report, reported, reportRefused, type Reporter } from "../../src/room/rehearsal";
import { startRehearsal } from "../../src/room/start-rehearsal";
import { CameraGone, type Still } from "../../src/room/still";

const STILL: Still = {
  bytes: new Uint8Array(50_000),
  type: "image/jpeg",
  width: 640,
  height: 480,
  measured: { mean: 120, p95: 200, contrast: 50, sharpness: 90, glare: 0, width: 640, height: 480 },
};
const SEEN = {
  ...{ pictures: 4, looked_at: 4, unavailable: 0, no_face: 0, one_face: 4, more_faces: 0 },
  ...{ dark: 0, covered: 0, frozen: 0, light_mean: 99.5 },
};

/** A device whose network takes `ms` for each picture; 0 never answers. */
class Desk {
  readonly records: { kind: string; facts: { readonly [key: string]: unknown } }[] = [];
  readonly notes = new Map<string, unknown>();
  readonly camera = { state: signal<CameraState>("on"), still: async () => STILL };
  ms = 240;
  seen: (() => Promise<unknown>) | null = null;
  asked = 0;
  #now = 1000;

  get device(): Reporter {
    const { records, notes } = this;
    return {
      joined: {
        policy: { system: { displays_most: 1 } },
        capture: { snapshot_every_s: 10, width: 640, height: 480, jpeg_quality: 80 },
      } as unknown as Reporter["joined"],
      clock: { offsetMs: () => 12, tripMs: () => 40, steadyMs: () => this.#now },
      write: async (kind, facts) => {
        records.push({ kind, facts });
        return { seq: records.length - 1, sha256: "", at_ms: 0 };
      },
      received: () => {
        if (this.ms === 0) return new Promise(() => {});
        this.#now += this.ms;
        return Promise.resolve();
      },
      keep: async (name, value) => void notes.set(name, value),
      kept: async (name) => notes.get(name),
      rehearsal: () => {
        this.asked += 1;
        this.#now += 1;
        return this.seen?.() ?? Promise.resolve({ seen: SEEN });
      },
    };
  }
  pass(ms: number) {
    this.#now += ms;
  }
}

const line = (rows: readonly Row[], check: string) => rows.find((row) => row.check === check);

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Lets timers run until the work is done. */
async function done<T>(work: Promise<T>): Promise<T> {
  let settled = false;
  void work.then(
    () => (settled = true),
    () => (settled = true),
  );
  while (!settled) await vi.advanceTimersByTimeAsync(500);
  return work;
}

describe("a report", () => {
  it("is one record of lines, measured on pictures that were sent", async () => {
    const desk = new Desk();
    const rows = await done(report(desk.device, desk.camera));
    expect(desk.records.map(({ kind }) => kind)).toEqual(["snapshot", "snapshot", "snapshot", "notice"]);
    expect(desk.records[3]?.facts).toEqual({ notice: "readiness", rows });
    expect(line(rows, "upload")?.facts["bits_per_s"]).toBe(2_000_000);
    expect(line(rows, "face")?.status).toBe("ok");
    expect(await reported(desk.device)).toEqual(rows);
  });

  it("is written once, whatever is asked again", async () => {
    const desk = new Desk();
    const rows = await done(report(desk.device, desk.camera));
    expect(await done(report(desk.device, desk.camera))).toEqual(rows);
    expect(desk.records).toHaveLength(4);
  });

  it("waits for the machine to look at what it holds, and not for ever", async () => {
    const desk = new Desk();
    desk.seen = async () => ({ seen: { ...SEEN, looked_at: Math.min(4, desk.asked) } });
    expect(line(await done(report(desk.device, desk.camera)), "face")?.facts["pictures"]).toBe(4);
    const slow = new Desk();
    slow.seen = async () => {
      slow.pass(1000);
      return { seen: { ...SEEN, looked_at: 0, one_face: 0 } };
    };
    expect(line(await done(report(slow.device, slow.camera)), "face")?.status).toBe("not-tried");
    expect(slow.asked).toBeLessThan(10);
  });

  it("says without a network what was not tried, and is written all the same", async () => {
    const desk = new Desk();
    desk.ms = 0;
    desk.seen = () => Promise.reject(new Unreachable());
    const rows = await done(report(desk.device, desk.camera));
    expect(line(rows, "upload")?.status).toBe("not-tried");
    expect(line(rows, "face")?.status).toBe("not-tried");
    expect(line(rows, "light")?.status).toBe("ok");
    expect(desk.records.at(-1)?.kind).toBe("notice");
  });

  it("says of a camera that was lost that it is to be mended", async () => {
    const desk = new Desk();
    desk.camera.still = async () => {
      desk.camera.state.value = "lost";
      throw new CameraGone("lost");
    };
    const rows = await done(report(desk.device, desk.camera));
    expect(line(rows, "camera")).toEqual({
      check: "camera",
      status: "mend",
      facts: { state: "lost", pictures: 4 },
    });
  });

  it("of a computer that is refused says that, and that the camera was not tried", async () => {
    const desk = new Desk();
    desk.camera.state.value = "off";
    const rows = await done(reportRefused(desk.device, desk.camera, ["a phone"]));
    expect(line(rows, "system")).toMatchObject({ status: "mend", facts: { refused: "a phone" } });
    expect(line(rows, "camera")?.status).toBe("not-tried");
    expect(desk.records).toHaveLength(1);
  });
});

describe("beginning a rehearsal", () => {
  const answering = (status: number, body: unknown) =>
    vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
      expect([path, init.method, init.body]).toEqual(["/api/v1/rehearsal", "POST", '{"token":"abc"}']);
      return new Response(JSON.stringify(body), { status });
    });

  it("gives the token of the practice session", async () => {
    answering(201, { join_token: "xyz" });
    expect(await startRehearsal("abc")).toBe("xyz");
  });

  it("says what the server says", async () => {
    answering(429, { type: "urn:proctor:problem:too-many-rehearsals", again_at: "2026-06-02T10:00:00Z" });
    const no = await startRehearsal("abc").catch((error: unknown) => error);
    expect(no).toBeInstanceOf(ProblemError);
    expect(no).toMatchObject({ code: "too-many-rehearsals", facts: { again_at: "2026-06-02T10:00:00Z" } });
  });

  it("takes no answer for no network", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
    await expect(startRehearsal("abc")).rejects.toBeInstanceOf(Unreachable);
  });
});
