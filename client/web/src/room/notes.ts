/** A learner's own small notes beside the log: they survive a reload and are told to nobody. */

import { signal } from "@preact/signals";
import type { Device } from "./device";
import { fieldsOf } from "./items";

export class Notes {
  readonly #device: Pick<Device, "keep">;
  /** Items marked for later. */
  readonly marks;
  readonly timerHidden;
  /** All questions below each other, or one at a time. */
  readonly asList;
  /** By section: the item that was looked at last. */
  readonly places;
  /** Addresses of the websites that were chosen. */
  readonly sites;
  readonly handRaised;
  /** What was written last to the proctors. */
  readonly asked;
  /** Acts of proctors that were read, by id. */
  readonly read;

  private constructor(device: Pick<Device, "keep">, kept: readonly unknown[]) {
    this.#device = device;
    const [marks, hidden, list, places, sites, hand, read, asked] = kept;
    this.marks = signal<readonly string[]>(textsIn(marks));
    this.timerHidden = signal(hidden === true);
    this.asList = signal(list === true);
    this.places = signal<readonly string[]>(textsIn(places));
    this.sites = signal<readonly string[]>(textsIn(sites));
    this.handRaised = signal(hand === true);
    this.read = signal<readonly string[]>(textsIn(read));
    this.asked = signal(askedIn(asked));
  }

  static async of(device: Pick<Device, "keep" | "kept">): Promise<Notes> {
    return new Notes(device, await Promise.all(NAMES.map((name) => device.kept(name))));
  }

  mark(item: string, on: boolean): void {
    const others = this.marks.peek().filter((one) => one !== item);
    this.marks.value = on ? [...others, item] : others;
    this.#keep("marks", this.marks.peek());
  }

  hideTimer(hidden: boolean): void {
    this.timerHidden.value = hidden;
    this.#keep("timer-hidden", hidden);
  }

  showAsList(on: boolean): void {
    this.asList.value = on;
    this.#keep("as-list", on);
  }

  /** Remembers where one was; items are unique in an exam, so they need no section. */
  place(item: string, of: readonly string[]): void {
    this.places.value = [...this.places.peek().filter((one) => !of.includes(one)), item];
    this.#keep("places", this.places.peek());
  }

  choose(url: string): void {
    if (this.sites.peek().includes(url)) return;
    this.sites.value = [...this.sites.peek(), url];
    this.#keep("sites", this.sites.peek());
  }

  raiseHand(up: boolean): void {
    this.handRaised.value = up;
    this.#keep("hand", up);
  }

  ask(text: string, at_ms: number): void {
    this.asked.value = { text, at_ms };
    this.#keep("asked", this.asked.peek());
  }

  readActs(ids: readonly string[]): void {
    const before = this.read.peek();
    const fresh = ids.filter((id) => !before.includes(id));
    if (fresh.length === 0) return;
    this.read.value = [...before, ...fresh];
    this.#keep("acts-read", this.read.peek());
  }

  #keep(name: (typeof NAMES)[number], value: unknown): void {
    // A note that can't be kept is lost with the tab; nothing of the exam is.
    this.#device.keep(name, value).catch(() => undefined);
  }
}

const NAMES = [
  "marks",
  "timer-hidden",
  "as-list",
  "places",
  "sites",
  "hand",
  "acts-read",
  "asked",
] as const;

/** By the exam server's clock. */
export interface Asked {
  text: string;
  at_ms: number;
}

function askedIn(value: unknown): Asked | null {
  const { text, at_ms } = fieldsOf(value);
  return typeof text === "string" && typeof at_ms === "number" ? { text, at_ms } : null;
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
