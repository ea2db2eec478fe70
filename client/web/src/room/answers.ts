/**
 * Answers as they are typed, and how safe each of them is.
 *
 * An answer is written into the log a moment after the last key, and within two seconds of the
 * first one that is not written yet; one write an item is under way at a time, so that the last
 * record of an item is the last thing that was typed.
 */

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Writable } from "../evidence/json";
import { DEVICE_CLOCKS } from "./clock";
import type { Answered, Line, Written } from "./device";
import { isEmpty, sameResponse } from "./items";

/** After the last key. */
export const PAUSE_MS = 700;
/** After the first key that is not written: with the pause's own write well within two seconds. */
export const LATEST_MS = 1500;

export type Safety =
  | { is: "empty" }
  /** Typed, not written yet. */
  | { is: "typing" }
  /** Durable on this computer. */
  | { is: "saved" }
  /** `at_ms` is null where it was received before this page was opened. */
  | { is: "received"; at_ms: number | null }
  /** It could not be written. */
  | { is: "failed" };

/** An answer that counts by the server's word, in time, from whichever device of the session. */
export interface Given {
  section: string;
  item: string;
  response: Writable;
}

/** Answers could not be written, though it was tried once more: nothing may be handed in. */
export class NotSaved extends Error {
  override readonly name = "NotSaved";
}

interface Draft {
  /** Empty where the log had it before this run of the page. */
  section: string;
  response: Writable;
  /** The log holds `response`. */
  written: Written | null;
  failed: boolean;
  received_at_ms: number | null;
}

interface Pending {
  /** Steady clock. */
  since_ms: number;
  timer: ReturnType<typeof setTimeout>;
}

export class Answers {
  readonly #write: (section: string, item: string, response: Writable) => Promise<Written>;
  readonly #line: ReadonlySignal<Line>;
  readonly #drafts = new Map<string, Signal<Draft | null>>();
  readonly #pending = new Map<string, Pending>();
  readonly #busy = new Map<string, Promise<void>>();
  /** The disk was full when it was last heard of. */
  #full = false;
  /** Counts up with every answer that comes or goes: what lists them depends on it. */
  readonly #count = signal(0);

  constructor(
    line: ReadonlySignal<Line>,
    before: ReadonlyMap<string, Answered>,
    write: (section: string, item: string, response: Writable) => Promise<Written>,
  ) {
    this.#write = write;
    this.#line = line;
    for (const [item, { response, seq, sha256 }] of before) {
      const draft = {
        section: "",
        response: response as Writable,
        written: { seq, sha256, at_ms: 0 },
        failed: false,
        received_at_ms: null,
      };
      this.#drafts.set(item, signal<Draft | null>(draft));
    }
  }

  /**
   * Takes in what was answered on other devices, and writes it into this log: a submission names
   * what is in its own.
   *
   * `received` is how many records of this log the server had when it was asked: what was answered
   * here and lies beyond them it could not know of. That is newer, and stays.
   */
  adopt(given: readonly Given[], received: number): void {
    for (const { section, item, response } of given) {
      const now = this.#draft(item).peek();
      const known = now === null || (now.written !== null && now.written.seq < received);
      if (!known || sameResponse(now?.response ?? null, response)) continue;
      this.change(section, item, response, true);
    }
  }

  response(item: string): Writable {
    return this.#draft(item).value?.response ?? null;
  }

  isAnswered(item: string): boolean {
    return !isEmpty(this.response(item));
  }

  safety(item: string): Safety {
    const draft = this.#draft(item).value;
    if (draft === null) return { is: "empty" };
    if (draft.failed) return { is: "failed" };
    if (draft.written === null) return { is: "typing" };
    if (this.#line.value.received <= draft.written.seq) return { is: "saved" };
    return { is: "received", at_ms: draft.received_at_ms };
  }

  /** How safe all answers are together. */
  least(): Exclude<Safety["is"], "empty"> {
    this.#count.value; // an answer that comes is looked at, too
    const all = [...this.#drafts.keys()].map((item) => this.safety(item).is);
    return (["failed", "typing", "saved"] as const).find((is) => all.includes(is)) ?? "received";
  }

  /** How many could not be written: they are on this page alone. */
  readonly unsaved = computed(() => {
    this.#count.value;
    return [...this.#drafts.values()].filter((draft) => draft.value?.failed === true).length;
  });

  /** Takes note of when what was saved became received, and of room that was made. */
  notice(line: Line): void {
    const full = line.trouble === "storage-full";
    if (this.#full && !full) this.retry();
    this.#full = full;
    for (const draft of this.#drafts.values()) {
      const now = draft.peek();
      if (now?.written == null || now.written.at_ms === 0 || now.received_at_ms !== null) continue;
      if (line.received > now.written.seq) {
        draft.value = { ...now, received_at_ms: line.received_at_ms };
      }
    }
  }

  /** Takes an answer; `at_once` for a choice or a file, which nobody types on. */
  change(section: string, item: string, response: Writable, at_once = false): void {
    const draft = this.#draft(item);
    if (draft.peek() === null) this.#count.value += 1;
    draft.value = { section, response, written: null, failed: false, received_at_ms: null };
    const before = this.#pending.get(item);
    if (before !== undefined) clearTimeout(before.timer);
    const now_ms = DEVICE_CLOCKS.steady();
    const since_ms = before?.since_ms ?? now_ms;
    const wait_ms = at_once ? 0 : Math.min(PAUSE_MS, since_ms + LATEST_MS - now_ms);
    const timer = setTimeout(() => void this.#save(item), Math.max(0, wait_ms));
    this.#pending.set(item, { since_ms, timer });
    if (at_once) void this.#save(item);
  }

  /** Writes all that is typed; resolves once it is durable, or could not be made so. */
  async flush(): Promise<void> {
    // What is under way may leave something to write behind it.
    while (this.#pending.size > 0 || this.#busy.size > 0) {
      await Promise.all([...this.#pending.keys()].map((item) => this.#save(item)));
      await Promise.all(this.#busy.values());
    }
  }

  /** As `flush`, and what could not be written is tried again. Throws NotSaved: it still can't. */
  async settle(): Promise<void> {
    this.retry();
    await this.flush();
    const left = this.unwritten().length;
    if (left > 0) throw new NotSaved(`${left} answers`);
  }

  /** What is not in the log: typed just now, or what could not be written. */
  unwritten(): Given[] {
    return [...this.#drafts].flatMap(([item, draft]) => {
      const now = draft.peek();
      if (now === null || now.written !== null) return [];
      return { section: now.section, item, response: now.response };
    });
  }

  /** What could not be written is tried again. */
  retry(): void {
    for (const [item, draft] of this.#drafts) {
      const now = draft.peek();
      if (now?.failed === true) this.change(now.section, item, now.response, true);
    }
  }

  async #save(item: string): Promise<void> {
    const under_way = this.#busy.get(item);
    if (under_way !== undefined) return under_way; // it looks again when it is done
    const job = this.#saveAll(item);
    this.#busy.set(item, job);
    try {
      await job;
    } finally {
      this.#busy.delete(item);
    }
  }

  async #saveAll(item: string): Promise<void> {
    while (this.#taken(item)) {
      const draft = this.#draft(item);
      const typed = draft.peek();
      if (typed === null) return;
      let written: Written | null = null;
      try {
        written = await this.#write(typed.section, item, typed.response);
      } catch {
        // Whatever the cause, the answer is not safe: it says so, and is tried again.
      }
      if (draft.peek() !== typed) continue; // typed on meanwhile
      draft.value = { ...typed, written, failed: written === null };
    }
  }

  /** Whether there was something to write. */
  #taken(item: string): boolean {
    const pending = this.#pending.get(item);
    clearTimeout(pending?.timer);
    return this.#pending.delete(item);
  }

  #draft(item: string): Signal<Draft | null> {
    let draft = this.#drafts.get(item);
    if (draft === undefined) {
      draft = signal<Draft | null>(null);
      this.#drafts.set(item, draft);
    }
    return draft;
  }
}
