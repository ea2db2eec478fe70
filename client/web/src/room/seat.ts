/** The link of a learner, and what came of it: a session that is open here, or why there is none. */

import { batch, signal } from "@preact/signals";
import { type Blocked, blockedBy } from "./blocked";
import { Device } from "./device";
import { Notes } from "./notes";
import { Running } from "./running";

export class Seat {
  readonly #token: string;
  readonly blocked = signal<Blocked | null>(null);
  readonly running = signal<Running | null>(null);

  constructor(token: string) {
    this.#token = token;
  }

  async open(how: { steal?: boolean } = {}): Promise<void> {
    this.running.peek()?.close();
    batch(() => {
      this.running.value = null;
      this.blocked.value = null;
    });
    try {
      const device = await Device.open(this.#token, how);
      const notes = await Notes.of(device);
      this.running.value = new Running(device, notes, (blocked) => (this.blocked.value = blocked));
    } catch (error) {
      this.blocked.value = blockedBy(error);
    }
  }

  /** Asks the first computer, or a proctor, to go on here; then waits for their yes. */
  async ask(): Promise<void> {
    try {
      await Device.ask(this.#token);
      this.blocked.value = { code: "asked", facts: this.blocked.peek()?.facts ?? {} };
    } catch (error) {
      this.blocked.value = blockedBy(error);
    }
  }

  /** One more try of `open` that keeps what is shown until it worked. */
  async retry(): Promise<void> {
    try {
      const device = await Device.open(this.#token);
      const notes = await Notes.of(device);
      batch(() => {
        this.blocked.value = null;
        this.running.value = new Running(device, notes, (blocked) => (this.blocked.value = blocked));
      });
    } catch (error) {
      const now = blockedBy(error);
      if (now.code !== "unreachable") this.blocked.value = now;
    }
  }
}
