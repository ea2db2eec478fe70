/** The badge "evidence verified": what this page found out by itself, never what the server says. */

import { type ReadonlySignal, signal } from "@preact/signals";
import { bundleUrl } from "../api";
import type { Report } from "../evidence/verify";

export type Badge =
  | { is: "not-yet" }
  /** `share`: 0 to 1; null where the server does not say how long it is. */
  | { is: "fetching"; bytes: number; share: number | null }
  | { is: "verifying"; step: number; of: number }
  | { is: "verified" | "refuted"; report: Report; took_ms: number }
  | { is: "unavailable"; because: "unreachable" | "no-ed25519" };

/** What the page asks its worker. */
export interface Asked {
  url: string;
  keysUrl: string;
}

const KEYS_URL = "/.well-known/proctor-keys.json";

/** The worker's end of the line. Tests hand in another. */
export interface Verifier {
  postMessage(asked: Asked): void;
  onmessage: ((event: MessageEvent<Badge>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  terminate(): void;
}

function worker(): Verifier {
  return new Worker(new URL("./evidence-thread.ts", import.meta.url), { type: "module" });
}

export class EvidenceBadge {
  private readonly state = signal<Badge>({ is: "not-yet" });
  private running: Verifier | null = null;

  constructor(private readonly start: () => Verifier = worker) {}

  get badge(): ReadonlySignal<Badge> {
    return this.state;
  }

  /** Fetches and verifies all evidence of a session, in a thread of its own. */
  verify(session: string, why: "review" | "contest" = "review"): void {
    this.stop();
    const running = this.start();
    this.running = running;
    this.state.value = { is: "fetching", bytes: 0, share: null };
    running.onmessage = ({ data }) => {
      if (this.running !== running) return;
      this.state.value = data;
      if (isDone(data)) this.end();
    };
    running.onerror = () => {
      if (this.running !== running) return;
      this.state.value = { is: "unavailable", because: "unreachable" };
      this.end();
    };
    running.postMessage({ url: bundleUrl(session, why), keysUrl: KEYS_URL });
  }

  /** Another session is opened, or none. */
  stop(): void {
    this.end();
    this.state.value = { is: "not-yet" };
  }

  private end(): void {
    this.running?.terminate();
    this.running = null;
  }
}

function isDone({ is }: Badge): boolean {
  return is === "verified" || is === "refuted" || is === "unavailable";
}
