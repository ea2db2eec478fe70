/** A phone that is the second camera of a session: its own log, pictures of the room, nothing else. */

import { computed, effect, signal } from "@preact/signals";
import { type Blocked, blockedBy } from "./blocked";
import { Camera, CameraGone } from "./camera";
import { Capture, openSection } from "./capture";
import { Device, DeviceStopped, StorageFull } from "./device";
import { hasEnded } from "./state";
import { keepAwake } from "./wake";

/** What the phone's one screen says. */
export type PhoneState =
  /** Nothing is signed, no picture was taken. */
  | "fresh"
  /** The camera is on, and no section is open. */
  | "waits"
  | "takes"
  /** The camera is off, or gone: what is the matter says its own state. */
  | "no-camera"
  | "offline"
  | "full"
  | "over"
  | "replaced"
  | "stopped";

/** As in the room: a short cut is nobody's matter. */
const OFFLINE_MS = 4000;
const TICK_MS = 1000;

export class Phone {
  readonly device: Device;
  readonly camera: Camera;
  readonly #capture: Capture;
  readonly #hello = signal(false);
  readonly #shown = signal(false);
  readonly #nowMs = signal(0);
  /** The first picture is being taken. */
  readonly busy = signal(false);
  /** The first picture could not be taken. */
  readonly failed = signal(false);
  readonly awake = signal(false);
  readonly #ends: (() => void)[] = [];

  constructor(device: Device, camera = new Camera({ facing: "environment" })) {
    this.device = device;
    this.camera = camera;
    this.#capture = new Capture(device, camera, "room");
    this.#hello.value = device.memory.hello;
    this.#shown.value = device.memory.pictures.has("room");
    this.#nowMs.value = device.clock.nowMs();
    const timer = setInterval(() => (this.#nowMs.value = device.clock.nowMs()), TICK_MS);
    this.#ends.push(
      () => clearInterval(timer),
      keepAwake((on) => (this.awake.value = on)),
      effect(() => {
        const state = this.state.value;
        if (state === "over" || state === "replaced" || state === "stopped") void this.#rest();
      }),
    );
    // After a reload: what is missed until the camera is on again is said in the log.
    if (this.#shown.peek()) this.#capture.start();
  }

  readonly state = computed<PhoneState>(() => {
    const { trouble, connected, since_ms } = this.device.line.value;
    const view = this.device.view.value;
    if (hasEnded(view.state) || trouble === "session-over") return "over";
    if (trouble === "storage-full") return "full";
    if (trouble === "token-ended" || trouble === "superseded" || trouble === "other-tab") {
      return "replaced";
    }
    if (trouble !== null) return "stopped";
    if (!this.#hello.value || !this.#shown.value) return "fresh";
    if (this.camera.state.value !== "on") return "no-camera";
    if (!connected && this.#nowMs.value - since_ms > OFFLINE_MS) return "offline";
    return openSection(view, this.#nowMs.value) === null ? "waits" : "takes";
  });
  /** Between the first picture and check-in the learner is sent back to the computer. */
  readonly checkingIn = computed(() => this.device.view.value.state === "check-in");

  /** Turns the camera on; the first time signs the rules too, and takes the first picture. */
  async start(): Promise<void> {
    if (this.busy.peek()) return;
    this.busy.value = true;
    this.failed.value = false;
    try {
      await this.camera.open();
      if (this.camera.state.peek() === "on") await this.#show();
    } catch (error) {
      if (error instanceof DeviceStopped || error instanceof StorageFull) return; // `state` says so
      if (!(error instanceof CameraGone)) throw error;
      this.failed.value = true;
    } finally {
      this.busy.value = false;
    }
  }

  close(): void {
    for (const end of this.#ends.splice(0)) end();
    void this.#rest().then(() => this.device.close());
  }

  async #show(): Promise<void> {
    const { device } = this;
    await device.accept();
    this.#hello.value = true;
    if (!this.#shown.peek()) {
      const { width, height, jpeg_quality: quality } = device.joined.capture;
      const still = await this.camera.still({ width, height, quality });
      const facts = { purpose: "room", width: still.width, height: still.height };
      await device.write("snapshot", facts, still);
      this.#shown.value = true;
    }
    this.#capture.start();
  }

  async #rest(): Promise<void> {
    await this.#capture.stop();
    this.camera.close();
  }
}

/** The link of a second camera, and what came of it. */
export class PhoneSeat {
  readonly #token: string;
  readonly blocked = signal<Blocked | null>(null);
  readonly phone = signal<Phone | null>(null);

  constructor(token: string) {
    this.#token = token;
  }

  async open(): Promise<void> {
    try {
      const phone = new Phone(await Device.open(this.#token));
      this.blocked.value = null;
      this.phone.value = phone;
    } catch (error) {
      this.blocked.value = blockedBy(error);
    }
  }
}
