import { signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SessionView } from "../../src/api";
import { Camera, CameraGone, type Media } from "../../src/room/camera";
import type { Device, Line } from "../../src/room/device";
import { Phone } from "../../src/room/phone";
import type { Still } from "../../src/room/still";
import type { Maker } from "../../src/room/still-maker";
import { running, settled, Tape, waiting } from "./tape";

const STILL = { bytes: new Uint8Array([1]), type: "image/jpeg", width: 640, height: 480 } as Still;

class Track extends EventTarget {
  readyState = "live";
  stop() {}
}

/** The other side of a phone: its camera, which is asked for by name. */
class Lens extends EventTarget implements Media {
  asked: MediaStreamConstraints[] = [];
  refuses = false;
  silent = false;
  readonly track = new Track();
  closed = false;
  async getUserMedia(wanted: MediaStreamConstraints) {
    this.asked.push(wanted);
    if (this.refuses) throw new DOMException("no", "NotAllowedError");
    const tracks = [this.track];
    return { getTracks: () => tracks, getVideoTracks: () => tracks } as unknown as MediaStream;
  }
  readonly maker: Maker = {
    watch: () => undefined,
    still: async () => {
      if (this.silent) throw new CameraGone("silent");
      return STILL;
    },
    every: () => () => undefined,
    close: () => (this.closed = true),
  };
}

class FakeDevice extends Tape {
  readonly memory = { hello: false, pictures: new Set<string>() };
  readonly line = signal<Line>({
    connected: true,
    since_ms: this.began,
    written: 0,
    received: 0,
    blobs_waiting: 0,
    received_at_ms: null,
    trouble: null,
    server_full: false,
  });
  closed = false;
  constructor(view: SessionView) {
    super();
    this.view.value = view;
  }
  async accept() {
    if (this.lines.length === 0) await this.write("hello", {});
  }
  close() {
    this.closed = true;
  }
  says(changed: Partial<Line>) {
    this.line.value = { ...this.line.value, ...changed };
  }
}

function made(view: SessionView = { ...waiting(), state: "check-in" }, seen = false) {
  const [device, lens] = [new FakeDevice(view), new Lens()];
  if (seen) {
    device.memory.hello = true;
    device.memory.pictures.add("room");
  }
  const camera = new Camera({
    media: lens,
    maker: lens.maker,
    permission: async () => "prompt",
    patienceMs: 5,
    facing: "environment",
  });
  const phone = new Phone(device as unknown as Device, camera);
  phones.push(phone);
  return { device, lens, phone, camera };
}

const phones: Phone[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});

afterEach(() => {
  for (const phone of phones.splice(0)) phone.close();
  vi.useRealTimers();
});

function purposes(device: FakeDevice) {
  return device.lines.map(({ kind, facts }) => facts["purpose"] ?? facts["notice"] ?? kind);
}

describe("a phone as second camera", () => {
  it("signs and shows nothing before it is started", async () => {
    const { device, lens, phone } = made(running());
    await settled();
    expect([phone.state.value, device.lines, lens.asked]).toEqual(["fresh", [], []]);
  });

  it("asks for the camera of its back, signs, and shows the room once", async () => {
    const { device, lens, phone } = made();
    await phone.start();
    expect(lens.asked[0]).toMatchObject({ audio: false, video: { facingMode: "environment" } });
    expect(purposes(device)).toEqual(["hello", "room"]);
    expect([phone.state.value, phone.checkingIn.value]).toEqual(["waits", true]);
    await phone.start();
    expect(purposes(device)).toEqual(["hello", "room"]);
  });

  it("takes pictures of the room while a section is open, and no others", async () => {
    const { device, phone } = made(running());
    await phone.start();
    await settled();
    expect(phone.state.value).toBe("takes");
    expect(purposes(device)).toEqual(["hello", "room", "room"]);
    device.view.value = waiting();
    expect(phone.state.value).toBe("waits");
  });

  it("signs nothing where the camera is refused", async () => {
    const { device, lens, phone, camera } = made();
    lens.refuses = true;
    await phone.start();
    expect([camera.state.value, phone.state.value, device.lines]).toEqual(["denied", "fresh", []]);
    lens.refuses = false;
    await phone.start();
    expect(phone.state.value).toBe("waits");
  });

  it("says that the first picture failed, and takes it again", async () => {
    const { device, lens, phone } = made();
    lens.silent = true;
    await phone.start();
    expect([phone.failed.value, phone.state.value]).toEqual([true, "fresh"]);
    lens.silent = false;
    await phone.start();
    expect([phone.failed.value, purposes(device)]).toEqual([false, ["hello", "room"]]);
  });

  it("says after a reload what it misses, until it is started again", async () => {
    const { device, phone } = made(running(), true);
    await settled();
    expect(phone.state.value).toBe("no-camera");
    expect(purposes(device)).toEqual(["camera-lost", "gap"]);
    await phone.start();
    await settled();
    expect(phone.state.value).toBe("takes");
  });

  it("is calm about a short cut, and says a longer one", async () => {
    const { device, phone } = made();
    await phone.start();
    device.says({ connected: false, since_ms: device.began });
    expect(phone.state.value).toBe("waits");
    device.pass(5000);
    vi.advanceTimersByTime(1000);
    expect(phone.state.value).toBe("offline");
    device.says({ connected: true });
    expect(phone.state.value).toBe("waits");
  });

  it.each([
    ["storage-full", "full", false],
    ["token-ended", "replaced", true],
    ["superseded", "replaced", true],
    ["other-tab", "replaced", true],
    ["session-over", "over", true],
    ["history-differs", "stopped", true],
  ] as const)("of %s says %s", async (trouble, state, off) => {
    const { device, phone, lens } = made();
    await phone.start();
    device.says({ trouble });
    await settled();
    expect([phone.state.value, lens.closed]).toEqual([state, off]);
  });

  it.each(["submitted", "terminated", "expired"])(
    "turns the camera off when the exam is %s",
    async (state) => {
      const { device, phone, lens } = made();
      await phone.start();
      device.view.value = { ...waiting(), state };
      await settled();
      expect([phone.state.value, lens.closed]).toEqual(["over", true]);
    },
  );

  it("lets go of everything when it is closed", async () => {
    const { device, phone, lens } = made();
    await phone.start();
    phone.close();
    await settled();
    expect([lens.closed, device.closed]).toEqual([true, true]);
  });
});
