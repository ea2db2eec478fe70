/**
 * New pictures of face and document, which a person asks for once the exam may have begun.
 *
 * Answering goes on meanwhile: what is asked for stands beside it, and is done when it suits. With
 * the last picture all are sent.
 */

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { ProblemError, type SessionView } from "../api";
import { room } from "../text/room";
import type { Device } from "./device";
import type { Jobs } from "./jobs";
import type { Purpose } from "./state";
import type { Still } from "./still";

/** What the learner is told of it. */
export type AgainTold = "asked" | "waiting" | "accepted" | "needless" | "refused";

/** Then the exam is handed in all the same. */
const SENT_MS = 10_000;

/** `before`: what this page told of it last, so that its end is told, too. */
export function toldOf(
  { state, id_check }: Pick<SessionView, "state" | "id_check">,
  before: "asked" | "waiting" | null,
): AgainTold | null {
  // Before these, a screen of the check-in says it; after them nothing is shown any more.
  if (!["ready", "running", "paused"].includes(state)) return null;
  const again = id_check.asked_again === true;
  switch (id_check.state) {
    case "retake":
      return "asked";
    case "captured":
    case "refusal-proposed":
      return again ? "waiting" : null;
    case "refused":
      return again ? "refused" : null;
    default:
      if (before === null) return null;
      return before === "waiting" ? "accepted" : "needless"; // as nobody looked at any
  }
}

export class Again {
  readonly wanted: readonly Purpose[];
  /** The pictures that were taken since it was asked. */
  readonly taken = signal<ReadonlySet<Purpose>>(new Set());
  /** The next to take; null if all are taken. */
  readonly next = computed(() => this.wanted.find((one) => !this.taken.value.has(one)) ?? null);
  /** Of its own: what waits for the server here holds nothing else up. */
  readonly jobs: Jobs;
  /** The learner has put it off, or read it. */
  readonly later = signal(false);
  readonly told;
  /** The step is open. */
  readonly open;
  readonly #opened = signal(false);
  readonly #before = signal<"asked" | "waiting" | null>(null);
  readonly #device: Pick<Device, "write" | "checkIn">;
  #recalled: Promise<void> = Promise.resolve();

  constructor(
    device: Pick<Device, "write" | "checkIn"> & { readonly view: ReadonlySignal<SessionView> },
    wanted: readonly Purpose[],
    jobs: Jobs,
  ) {
    this.#device = device;
    this.wanted = wanted;
    this.jobs = jobs;
    this.told = computed(() => toldOf(device.view.value, this.#before.value));
    this.open = computed(() => this.#opened.value && this.told.value === "asked");
  }

  show(opened: boolean): void {
    this.#opened.value = opened;
  }

  /** What was told at the end was read. */
  read(): void {
    this.later.value = true;
    this.#before.value = null; // which begins anew, where that was the end
  }

  /** Saves a picture; with the last one, all are sent. */
  async use(purpose: Purpose, { width, height, bytes, type }: Still): Promise<void> {
    await this.jobs.do(room.picture.wait, async () => {
      await this.#device.write("snapshot", { purpose, width, height }, { bytes, type });
      this.taken.value = new Set([...this.taken.peek(), purpose]);
    });
    if (this.next.peek() === null) await this.send();
  }

  send(): Promise<void> {
    return this.jobs.do(room.ready.wait, async () => {
      try {
        await this.#device.checkIn();
      } catch (error) {
        const missing = missingIn(error);
        this.taken.value = new Set([...this.taken.peek()].filter((one) => !missing?.includes(one)));
        throw error;
      }
    });
  }

  /** Learns what was taken before this page was opened: the server has it, or gets it now. */
  recall(): Promise<void> {
    if (this.told.peek() === "asked") this.#recalled = this.#recall();
    return this.#recalled;
  }

  async #recall(): Promise<void> {
    try {
      await this.#device.checkIn();
    } catch (error) {
      const missing = missingIn(error);
      if (missing === null) return; // they are taken once more
      const there = this.wanted.filter((one) => !missing.includes(one));
      this.taken.value = new Set([...this.taken.peek(), ...there]);
    }
  }

  /** Waits a little for what was taken to be sent: after the end it would not count. */
  async sent(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, SENT_MS)));
    await Promise.race([this.#sent(), late]);
    clearTimeout(timer);
  }

  async #sent(): Promise<void> {
    await this.#recalled;
    if (this.told.peek() !== "asked" || this.next.peek() !== null) return;
    // Beside one that may be under way: to check in twice changes nothing.
    await this.#device.checkIn().catch(() => undefined);
  }

  /** Each asking begins anew. An effect. */
  follow(): void {
    const told = this.told.value;
    if (told === "asked" || told === "waiting") this.#before.value = told;
    if (told === "asked") return;
    this.#opened.value = this.later.value = false;
    this.taken.value = new Set();
    this.jobs.trouble.value = null;
  }
}

/** What the server misses still; null if that is not why it refused. */
function missingIn(error: unknown): readonly unknown[] | null {
  if (!(error instanceof ProblemError) || error.code !== "check-in-incomplete") return null;
  const missing = error.facts["missing"];
  return Array.isArray(missing) ? missing : null;
}
