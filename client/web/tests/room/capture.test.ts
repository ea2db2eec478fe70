import { signal } from "@preact/signals";
import { describe, expect, it } from "vitest";
import type { SessionView } from "../../src/api";
import type { CameraState } from "../../src/room/camera";
import { Capture, nextDue, openSection, type Stills } from "../../src/room/capture";
import { DeviceStopped, StorageFull } from "../../src/room/device";
import { CameraGone, type Still } from "../../src/room/still";
import { running, Tape, waiting, settled } from "./tape";

const STILL: Still = {
  bytes: new Uint8Array([1]),
  type: "image/jpeg",
  width: 640,
  height: 480,
  measured: { mean: 1, p95: 1, contrast: 1, sharpness: 1, glare: 0, width: 640, height: 480 },
};

/** A camera that can be lost, and can be slow. */
class FakeCamera implements Stills {
  readonly state = signal<CameraState>("on");
  asked = 0;
  ticking = false;
  #held: (() => void)[] | null = null;

  async still(): Promise<Still> {
    this.asked += 1;
    if (this.#held !== null) await new Promise<void>((done) => this.#held?.push(done));
    if (this.state.peek() !== "on") throw new CameraGone(this.state.peek());
    return STILL;
  }
  every() {
    this.ticking = true;
    return () => (this.ticking = false);
  }
  hold() {
    this.#held = [];
  }
  release() {
    this.#held?.forEach((done) => done());
    this.#held = null;
  }
}

/** A second a tick, as the worker gives them. */
class Day {
  readonly tape = new Tape();
  readonly camera = new FakeCamera();
  readonly capture = new Capture(this.tape, this.camera);

  constructor(view: SessionView = running()) {
    this.tape.view.value = view;
    this.capture.start();
  }
  async pass(seconds: number) {
    await settled();
    for (let second = 0; second < seconds; second += 1) {
      this.tape.pass(1000);
      this.capture.tick();
      await settled();
    }
  }
  get kinds() {
    return this.tape.lines.map(({ kind, facts }) => facts["notice"] ?? facts["cause"] ?? kind);
  }
}

describe("nextDue", () => {
  it.each([
    ["a period after the last", 0, 10, 0, 10],
    ["in step, though the last was late", 0, 10, 3, 10],
    ["skips what was missed", 0, 10, 27, 30],
    ["is after now, always", 0, 10, 20, 30],
    ["stands still clocks that went back", 100, 10, 90, 110],
  ])("is %s", (_name, last, every, now, due) => {
    expect(nextDue(last, every, now)).toBe(due);
  });
});

describe("openSection", () => {
  it("is the one that is open, until its time is over or the session pauses", () => {
    expect(openSection(running(), 5000)).toBe("part-a");
    expect(openSection(running({ closes_at_ms: 5000 }), 4999)).toBe("part-a");
    expect(openSection(running({ closes_at_ms: 5000 }), 5000)).toBeNull();
    expect(openSection({ ...running(), state: "paused" }, 0)).toBeNull();
    expect(openSection(waiting(), 0)).toBeNull();
  });
});

describe("capture", () => {
  it("takes a snapshot at once and then one each period", async () => {
    const day = new Day();
    await day.pass(30);
    expect(day.kinds).toEqual(["snapshot", "snapshot", "snapshot", "snapshot"]);
    expect(day.tape.lines.map((line) => line.at_ms - day.tape.began)).toEqual([
      0, 10_000, 20_000, 30_000,
    ]);
    expect(day.tape.lines[0]?.facts).toEqual({ purpose: "periodic", width: 640, height: 480 });
    expect(day.tape.lines[0]?.blob?.type).toBe("image/jpeg");
  });

  it("takes none while no section is open, and begins when one opens", async () => {
    const day = new Day(waiting());
    await day.pass(30);
    expect(day.camera.asked).toBe(0);
    day.tape.view.value = running();
    await day.pass(1);
    expect(day.kinds).toEqual(["snapshot"]);
    day.tape.view.value = waiting();
    await day.pass(30);
    expect(day.camera.asked).toBe(1);
    expect(day.kinds).toEqual(["snapshot"]);
  });

  it("takes one at once where one is asked for, and the others in step with it", async () => {
    const day = new Day();
    await day.pass(3);
    await day.capture.now();
    await day.pass(10);
    expect(day.tape.lines.map((line) => line.at_ms - day.tape.began)).toEqual([0, 3000, 13_000]);
    expect(day.tape.lines[1]?.facts["purpose"]).toBe("periodic");
  });

  it("takes one more where the one that is under way is older than the wish", async () => {
    const day = new Day();
    await day.pass(1);
    day.camera.hold();
    await day.pass(9);
    expect(day.camera.asked).toBe(2);
    const asked = day.capture.now();
    day.camera.release();
    await asked;
    await day.pass(0);
    expect(day.camera.asked).toBe(3);
  });

  it.each([
    ["between sections", (day: Day) => (day.tape.view.value = waiting())],
    ["once it was stopped", (day: Day) => void day.capture.stop()],
  ])("takes none %s, whoever asks", async (_name, change) => {
    const day = new Day();
    await day.pass(1);
    change(day);
    await day.pass(0);
    await day.capture.now();
    await day.pass(0);
    expect(day.camera.asked).toBe(1);
  });

  it("stops at the deadline though the server can't say that it has passed", async () => {
    const day = new Day();
    day.tape.view.value = running({ closes_at_ms: day.tape.clock.nowMs() + 15_000 });
    await day.pass(60);
    expect(day.camera.asked).toBe(2);
  });

  it("skips what is due while a still is being taken, and never takes two at a time", async () => {
    const day = new Day();
    await settled();
    day.camera.hold();
    await day.pass(25);
    expect(day.camera.asked).toBe(2);
    day.camera.release();
    await day.pass(4);
    expect(day.camera.asked).toBe(2);
    await day.pass(1);
    expect(day.camera.asked).toBe(3);
    expect(day.kinds).toEqual(["snapshot", "snapshot", "snapshot"]);
  });

  it("says within a second that the camera is lost, how long it was, and its return", async () => {
    const day = new Day();
    await day.pass(3);
    day.camera.state.value = "lost";
    await day.pass(20);
    day.camera.state.value = "on";
    await day.pass(1);
    const lost = ["camera-lost", "camera"];
    expect(day.kinds).toEqual(["snapshot", ...lost, "snapshot", "camera", "camera-back"]);
    const gaps = day.tape.of("gap").map(({ from_ms, to_ms }) => [from_ms, to_ms]);
    const at = (ms: number) => day.tape.began + ms;
    expect(gaps).toEqual([
      [at(4000), at(4000)],
      [at(4000), at(24_000)],
    ]);
  });

  it("takes a camera that was never allowed for one that is lost, and says so once", async () => {
    const day = new Day(waiting());
    day.camera.state.value = "denied";
    day.tape.view.value = running();
    await day.pass(60);
    expect(day.kinds).toEqual(["camera-lost", "camera"]);
  });

  it("says nothing of a camera that opens in a moment, as after a reload", async () => {
    const [tape, camera] = [new Tape(), new FakeCamera()];
    camera.state.value = "asking";
    tape.view.value = running();
    const capture = new Capture(tape, camera);
    capture.start();
    tape.pass(1000);
    capture.tick();
    camera.state.value = "on";
    tape.pass(1000);
    capture.tick();
    await settled();
    expect(tape.lines.map(({ kind }) => kind)).toEqual(["snapshot"]);
  });

  it("says of one that does not open since when it was awaited", async () => {
    const [tape, camera] = [new Tape(), new FakeCamera()];
    camera.state.value = "asking";
    tape.view.value = running();
    const capture = new Capture(tape, camera);
    capture.start();
    for (let second = 0; second < 6; second += 1) {
      tape.pass(1000);
      capture.tick();
      await settled();
    }
    expect(tape.of("gap")).toEqual([
      { of: "capture", cause: "camera", from_ms: tape.began, to_ms: tape.began + 5000 },
    ]);
  });

  it("says of an outage that it lasted until the section's end", async () => {
    const day = new Day();
    day.camera.state.value = "lost";
    await day.pass(5);
    day.tape.view.value = waiting();
    await day.pass(60);
    const { from_ms, to_ms } = day.tape.of("gap").at(-1)!;
    expect(to_ms as number - (from_ms as number)).toBeLessThanOrEqual(6000);
    expect(day.kinds.filter((kind) => kind === "camera")).toHaveLength(2);
  });

  it("says of a full disk when there is room again", async () => {
    const day = new Day();
    await day.pass(5);
    day.tape.fails = () => new StorageFull("disk");
    await day.pass(25);
    expect(day.kinds).toEqual(["snapshot"]);
    day.tape.fails = () => null;
    await day.pass(10);
    expect(day.kinds).toEqual(["snapshot", "snapshot", "disk-full"]);
    const { from_ms, to_ms } = day.tape.of("gap")[0]!;
    expect([from_ms, to_ms]).toEqual([day.tape.began + 10_000, day.tape.began + 40_000]);
  });

  it("says at once of pictures that have no room where records have", async () => {
    const day = new Day();
    await settled();
    day.tape.fails = (kind) => (kind === "snapshot" ? new StorageFull("pictures") : null);
    await day.pass(30);
    expect(day.kinds).toEqual(["snapshot", "spool-full"]);
  });

  it.each([
    ["the computer, in which one clock stands still", 0],
    ["the page", 60_000],
  ])("says for how long there was a sleep of %s", async (_what, steadyMs) => {
    const day = new Day();
    await day.pass(2);
    day.tape.sleep(60_000, steadyMs);
    await day.pass(1);
    const [gap] = day.tape.of("gap");
    expect(gap).toMatchObject({ of: "capture", cause: "suspended" });
    expect(gap).toMatchObject({ from_ms: day.tape.began + 2000, to_ms: day.tape.began + 63_000 });
  });

  it("says nothing of a sleep while no section is open", async () => {
    const day = new Day(waiting());
    await day.pass(2);
    day.tape.sleep(60_000, 0);
    day.tape.view.value = running();
    await day.pass(1);
    expect(day.kinds).toEqual(["snapshot"]);
  });

  it("says for how long the page was closed in mid-section", async () => {
    const day = new Day();
    await day.pass(12);
    day.tape.sleep(120_000, 0);
    const again = new Capture(day.tape, day.camera);
    again.start();
    await settled();
    expect(day.kinds).toEqual(["snapshot", "snapshot", "client-stopped", "snapshot"]);
    const { from_ms, to_ms } = day.tape.of("gap")[0]!;
    expect([from_ms, to_ms]).toEqual([day.tape.began + 10_000, day.tape.began + 132_000]);
  });

  it("says nothing of a page that was closed in a break", async () => {
    const day = new Day();
    await day.pass(12);
    day.tape.view.value = waiting();
    await day.pass(1);
    day.tape.sleep(120_000, 0);
    day.tape.view.value = running();
    new Capture(day.tape, day.camera).start();
    await settled();
    expect(day.kinds).toEqual(["snapshot", "snapshot", "snapshot"]);
  });

  it("goes on in silence when the log is at its end", async () => {
    const day = new Day();
    await settled();
    day.tape.fails = () => new DeviceStopped("other-tab");
    await day.pass(20);
    expect(day.kinds).toEqual(["snapshot"]);
  });

  it("takes none after it was stopped, and closes what was open", async () => {
    const day = new Day();
    await day.pass(3);
    day.camera.state.value = "lost";
    await day.pass(4);
    await day.capture.stop();
    expect(day.camera.ticking).toBe(false);
    expect(day.kinds).toEqual(["snapshot", "camera-lost", "camera", "camera"]);
    const asked = day.camera.asked;
    await settled();
    expect(day.camera.asked).toBe(asked);
  });
});
