import { effect, type Signal, signal } from "@preact/signals";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ProblemError, type SessionView } from "../../src/api";
import { Again, type AgainTold, toldOf } from "../../src/room/again";
import type { Device } from "../../src/room/device";
import { Jobs } from "../../src/room/jobs";
import type { Still } from "../../src/room/still";

type View = Pick<SessionView, "state" | "id_check">;

function view(state: string, id: string, asked_again = true): View {
  return { state, id_check: { state: id, asked_again, reason: "" } };
}

const at = (state: string, id: string) => view(state, id) as SessionView;

const STILL = { bytes: new Uint8Array(3), type: "image/jpeg", width: 4, height: 3 } as Still;

/** A server that has these pictures, and hears of those that are written. */
function againFor(now: Signal<SessionView>, had: string[] = [], away?: Promise<void>): Again {
  const there = new Set(had);
  const device = {
    view: now,
    write: async (_kind: string, facts: Readonly<Record<string, unknown>>) => {
      there.add(String(facts["purpose"]));
    },
    checkIn: async () => {
      await away;
      const missing = ["face", "document"].filter((one) => !there.has(one));
      if (missing.length > 0) throw new ProblemError("check-in-incomplete", 409, "", "", { missing });
      now.value = at(now.value.state, "captured");
    },
  };
  const jobs = new Jobs(() => undefined);
  return new Again(device as unknown as Device, ["face", "document"], jobs);
}

describe("what is told of new pictures", () => {
  it.each<[string, View, "asked" | "waiting" | null, AgainTold | null]>([
    ["in the check-in a screen says it", view("check-in", "retake"), null, null],
    ["in mid-section", view("running", "retake"), null, "asked"],
    ["in a pause", view("paused", "retake"), null, "asked"],
    ["before the first section", view("ready", "retake"), null, "asked"],
    ["once they are sent", view("running", "captured"), "asked", "waiting"],
    ["a refusal that is proposed is nobody's to read", view("running", "refusal-proposed"), "waiting", "waiting"],
    ["of the first pictures nothing", view("running", "captured", false), null, null],
    ["once they are accepted", view("running", "accepted"), "waiting", "accepted"],
    ["where none were sent, none were accepted", view("running", "accepted"), "asked", "needless"],
    ["an end that was read is not told again", view("running", "accepted"), null, null],
    ["once they are refused", view("running", "refused"), null, "refused"],
    ["after the end nothing", view("submitted", "retake"), "asked", null],
  ])("%s", (_, now, before, told) => {
    expect(toldOf(now, before)).toBe(told);
  });
});

describe("each asking", () => {
  it("begins anew, and never opens by itself", () => {
    const now = signal(at("running", "retake"));
    const again = againFor(now);
    again.follow();
    expect(again.open.value).toBe(false);
    again.show(true);
    expect(again.open.value).toBe(true);
    again.taken.value = new Set(["face"]);

    now.value = at("running", "captured");
    again.follow();
    expect([again.told.value, again.open.value]).toEqual(["waiting", false]);
    now.value = at("running", "retake");
    again.follow();
    expect(again.open.value).toBe(false);
    expect(again.taken.value.size).toBe(0);
  });

  it("keeps what was taken while the screens change", () => {
    const now = signal(at("running", "retake"));
    const again = againFor(now);
    again.show(true);
    again.taken.value = new Set(["face"]);
    now.value = at("paused", "retake");
    again.follow();
    expect(again.open.value).toBe(true);
    expect([...again.taken.value]).toEqual(["face"]);
  });

  it("tells how it ended until that was read", () => {
    const now = signal(at("running", "retake"));
    const again = againFor(now);
    effect(() => again.follow());
    now.value = at("running", "accepted");
    expect(again.told.value).toBe("needless");
    now.value = at("running", "captured");
    now.value = at("running", "accepted");
    expect(again.told.value).toBe("accepted");
    again.read();
    expect(again.told.value).toBe(null);

    now.value = at("running", "retake");
    expect([again.told.value, again.later.value]).toEqual(["asked", false]);
    now.value = at("running", "refused");
    again.read();
    expect([again.told.value, again.later.value]).toEqual(["refused", true]);
  });
});

describe("the pictures", () => {
  const never = new Promise<void>(() => undefined);
  afterEach(() => void vi.useRealTimers());

  it("are sent with the last of them, by nobody's press", async () => {
    const now = signal(at("running", "retake"));
    const again = againFor(now);
    await again.use("face", STILL);
    expect([again.told.value, again.next.value]).toEqual(["asked", "document"]);
    await again.use("document", STILL);
    expect([again.told.value, again.jobs.trouble.value]).toEqual(["waiting", null]);
  });

  it("that the server has not are taken once more", async () => {
    const again = againFor(signal(at("running", "retake")), ["document"]);
    again.taken.value = new Set(["face", "document"]);
    await again.send();
    expect([again.next.value, [...again.taken.value]]).toEqual(["face", ["document"]]);
    expect(again.jobs.trouble.value).toMatchObject({ code: "check-in-incomplete" });
  });

  it("of a page that went away are sent when it is back", async () => {
    const now = signal(at("running", "retake"));
    await againFor(now, ["face", "document"]).recall();
    expect(now.value.id_check.state).toBe("captured");
  });

  it("of a page that went away are not taken twice", async () => {
    const again = againFor(signal(at("running", "retake")), ["face"]);
    await again.recall();
    expect([again.next.value, again.jobs.trouble.value]).toEqual(["document", null]);
  });

  it("are sent before the exam is handed in", async () => {
    const now = signal(at("running", "retake"));
    const again = againFor(now, ["face", "document"]);
    again.taken.value = new Set(["face", "document"]);
    await again.sent();
    expect(now.value.id_check.state).toBe("captured");
  });

  it("of a page that came back are waited for before the exam is handed in", async () => {
    const now = signal(at("running", "retake"));
    const again = againFor(now, ["face", "document"]);
    void again.recall();
    await again.sent();
    expect(now.value.id_check.state).toBe("captured");
  });

  it("hold the handing in up for ten seconds at most", async () => {
    vi.useFakeTimers();
    const again = againFor(signal(at("running", "retake")), [], never);
    again.taken.value = new Set(["face", "document"]);
    let over = false;
    void again.sent().then(() => (over = true));
    await vi.advanceTimersByTimeAsync(9_900);
    expect(over).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect(over).toBe(true);
  });

  it("that were not all taken hold nothing up", async () => {
    const again = againFor(signal(at("running", "retake")), [], never);
    again.taken.value = new Set(["face"]);
    await again.sent();
    expect(again.told.value).toBe("asked");
  });
});
