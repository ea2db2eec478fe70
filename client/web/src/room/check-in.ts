/** The check-in of a session in this tab: what is accepted and shown, and which step is next. */

import { batch, computed, signal } from "@preact/signals";
import { ProblemError } from "../api";
import { room } from "../text/room";
import { askedNow } from "./asks";
import type { Camera } from "./camera";
import type { Device } from "./device";
import type { Jobs } from "./jobs";
import { rehearsalCode } from "./rehearsal-later";
import { showsRoom, wantsPhone } from "./second-camera";
import { type Purpose, type Standing, type Step, stepAfter, stepBefore, type Wanted } from "./state";
import type { Still } from "./still";

export class CheckIn {
  /** What the policy asks to be shown. */
  readonly wanted: readonly Wanted[];
  readonly #device: Device;
  readonly #camera: Camera;
  readonly #jobs: Jobs;
  readonly #hello = signal(false);
  readonly #welcome = signal(false);
  readonly #taken = signal<ReadonlySet<string>>(new Set());
  readonly #back = signal<Step | null>(null);
  /** How the ID check stood. */
  #idState: string;

  constructor(device: Device, camera: Camera, jobs: Jobs) {
    this.#device = device;
    this.#camera = camera;
    this.#jobs = jobs;
    this.wanted = wantedBy(device.joined.policy);
    const { hello, pictures } = device.memory;
    this.#hello.value = hello;
    this.#idState = device.view.peek().id_check.state;
    // Pictures that were refused don't count; those of this very run do, see `take`.
    const again = this.#idState === "retake";
    this.#taken.value = new Set(again ? [] : pictures);
    this.#welcome.value = again || this.wanted.some((purpose) => pictures.has(purpose));
  }

  /** What the screen depends on. */
  readonly standing = computed<Pick<Standing, "hello" | "welcome" | "taken" | "wanted" | "back">>(
    () => ({
      hello: this.#hello.value,
      welcome: this.#welcome.value,
      taken: showsRoom(this.#device.view.value)
        ? new Set([...this.#taken.value, "second-camera"])
        : this.#taken.value,
      wanted: this.wanted,
      back: this.#back.value,
    }),
  );
  readonly accepted = computed(() => this.#hello.value);

  accept(): Promise<void> {
    return this.#jobs.do(room.rules.wait, async () => {
      await this.#device.accept();
      this.#hello.value = true;
    });
  }

  /** Whether this computer is taken, before anything is shown to its camera. */
  welcome(): Promise<void> {
    return this.#jobs.do(room.asking.wait, async () => {
      try {
        await this.#device.checkIn();
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error;
        if (this.#device.joined.exam.practice === true && error.code === "system-refused") {
          const { reportRefused } = await rehearsalCode();
          await reportRefused(this.#device, this.#camera, textsIn(error.facts["refused"]));
        }
        if (error.code !== "check-in-incomplete") throw error;
      }
      this.#welcome.value = true;
    });
  }

  take(purpose: Purpose, still: Still): Promise<void> {
    return this.#jobs.do(room.picture.wait, async () => {
      const { width, height, bytes, type } = still;
      await this.#device.write("snapshot", { purpose, width, height }, { bytes, type });
      batch(() => {
        this.#taken.value = new Set([...this.#taken.value, purpose]);
        this.#forward(purpose);
      });
    });
  }

  send(): Promise<void> {
    return this.#jobs.do(room.ready.wait, async () => {
      try {
        await this.#device.checkIn();
      } catch (error) {
        if (!(error instanceof ProblemError) || error.code !== "check-in-incomplete") throw error;
        const missing = error.facts["missing"];
        const left = [...this.#taken.peek()].filter(
          (purpose) => !(Array.isArray(missing) && missing.includes(purpose)),
        );
        this.#taken.value = new Set(left);
        throw error;
      }
    });
  }

  back(step: Step): void {
    this.#jobs.trouble.value = null;
    this.#back.value = stepBefore(step, this.wanted);
  }

  /** On from a step that was gone back to and is left as it is. */
  onward(step: Step): void {
    this.#jobs.trouble.value = null;
    this.#forward(step);
  }

  #forward(step: Step): void {
    if (this.#back.peek() !== null) this.#back.value = stepAfter(step, this.wanted);
  }

  /** The machine found no face in the picture of it: advice, while it can still be taken again. */
  readonly noFace = computed(() => {
    const { asks, id_check, state } = this.#device.view.value;
    const open = state === "check-in" && id_check.state !== "captured";
    return open && this.hasPicture("face") && askedNow(asks ?? []) === "no-face";
  });

  /** Takes a picture again that was taken already. */
  again(purpose: Purpose): void {
    this.#jobs.trouble.value = null;
    this.#back.value = purpose;
  }

  hasPicture(purpose: Purpose): boolean {
    return this.#taken.value.has(purpose);
  }

  /** Where new pictures are asked for, those before don't count any more. An effect. */
  forget(): void {
    const { state } = this.#device.view.value.id_check;
    if (state === "retake" && this.#idState !== "retake") this.#taken.value = new Set();
    this.#idState = state;
  }
}

/** What a policy asks to be shown. */
function wantedBy(policy: Readonly<Record<string, unknown>>): Wanted[] {
  const identity = policy["identity"];
  const none =
    typeof identity === "object" &&
    identity !== null &&
    (identity as Record<string, unknown>)["document"] === "none";
  const pictures: Wanted[] = none ? ["face"] : ["face", "document"];
  return wantsPhone(policy) ? [...pictures, "second-camera"] : pictures;
}

function textsIn(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((one) => typeof one === "string") : [];
}
