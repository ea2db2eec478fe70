/** A device in memory whose clocks are moved by hand. */

import { signal } from "@preact/signals";
import type { SectionView, SessionView } from "../../src/api";
import type { Log } from "../../src/room/capture";
import type { Blob_, Joined, Written } from "../../src/room/device";

export interface LineSaid {
  readonly kind: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly at_ms: number;
  readonly blob: Blob_ | undefined;
}

const BEGAN = 1_795_284_000_000;

export function running(section: Partial<SectionView> = {}): SessionView {
  const open = { id: "part-a", title: "Part A", state: "open" as const, limit_s: 7200 };
  const times = { opened_at_ms: 0, closes_at_ms: null, closed_at_ms: null, closed_by: null };
  return {
    session: "s_1",
    state: "running",
    id_check: { state: "accepted", reason: "" },
    sections: [{ ...open, ...times, ...section }],
    ledger: [],
    now_ms: BEGAN,
  };
}

export function waiting(): SessionView {
  return running({ state: "closed" });
}

export class Tape implements Log {
  readonly began = BEGAN;
  readonly lines: LineSaid[] = [];
  readonly notes = new Map<string, unknown>();
  readonly view: Log["view"] & { value: SessionView } = signal(running());
  /** What a record of this kind is refused with. */
  fails: (kind: string) => Error | null = () => null;
  #wall = BEGAN;
  #steady = 50_000;

  readonly clock: Log["clock"] = {
    nowMs: () => this.#wall,
    deviceMs: () => this.#wall,
    steadyMs: () => this.#steady,
  };
  readonly joined: Joined;

  constructor(flags: readonly { when: string; sections?: string[] }[] = []) {
    const capture = { snapshot_every_s: 10, width: 640, height: 480, jpeg_quality: 80 };
    this.joined = { policy: { flag: flags }, capture } as unknown as Joined;
  }

  async write(kind: string, facts: LineSaid["facts"], blob?: Blob_): Promise<Written> {
    const error = this.fails(kind);
    if (error !== null) throw error;
    this.lines.push({ kind, facts, at_ms: this.#wall, blob });
    return { seq: this.lines.length - 1, sha256: "", at_ms: this.#wall };
  }
  async keep(name: string, value: unknown) {
    this.notes.set(name, value);
  }
  async kept(name: string) {
    return this.notes.get(name);
  }

  of(kind: string) {
    return this.lines.filter((line) => line.kind === kind).map((line) => line.facts);
  }
  pass(ms: number) {
    this.#wall += ms;
    this.#steady += ms;
  }
  /** Time that nobody ticked in. */
  sleep(wallMs: number, steadyMs: number) {
    this.#wall += wallMs;
    this.#steady += steadyMs;
  }
}

/** Lets all that is under way go as far as it can without time passing. */
export async function settled(): Promise<void> {
  await new Promise((done) => setTimeout(done, 0));
}
