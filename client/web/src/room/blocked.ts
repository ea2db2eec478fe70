/** Why no session can be shown: every error that opening one, or a command of it, may end in. */

import { ProblemError, Unreachable } from "../api";
import { DeviceStopped, NoCrypto, NoStorage, OtherTab, StorageFull } from "./device";
import { SpoolDamaged } from "./spool";

/** Why there is no session to show. `facts` are the server's. */
export interface Blocked {
  code: string;
  facts: Readonly<Record<string, unknown>>;
}

export function blockedBy(error: unknown): Blocked {
  if (error instanceof ProblemError) return { code: codeOf(error), facts: error.facts };
  if (error instanceof Unreachable) return { code: "unreachable", facts: {} };
  // Stopped while it was being opened: only another tab does that.
  if (error instanceof OtherTab || error instanceof DeviceStopped) {
    return { code: "other-tab", facts: {} };
  }
  if (error instanceof NoStorage) return { code: "no-storage", facts: {} };
  if (error instanceof NoCrypto) return { code: "no-crypto", facts: {} };
  if (error instanceof StorageFull) return { code: "storage-full", facts: {} };
  if (error instanceof SpoolDamaged) return { code: "spool-damaged", facts: {} };
  throw error; // a bug of ours: never worded away
}

/** Whoever asked to come in here waits still, or was told no, also after a reload. */
function codeOf({ code, facts }: ProblemError): string {
  if (code !== "join-link-used") return code;
  if (facts["asked"] === "waiting") return "asked";
  return facts["asked"] === "refused" ? "asked-refused" : code;
}

/** How often a page that waits for the server, or for a yes, tries by itself. */
const AGAIN_MS = 5000;
/** Once the exam is over a yes may take a day; for the first minute somebody may be there. */
const SOON = 12;
const AGAIN_OVER_MS = 120_000;

/** How long to wait before the next try, after so many. */
export function againMs({ code, facts }: Blocked, tries: number): number {
  // A no may be taken back, which is seldom: soon, or not at all.
  const mayTakeADay = code === "asked-refused" || (code === "asked" && facts["over"] === true);
  return mayTakeADay && tries >= SOON ? AGAIN_OVER_MS : AGAIN_MS;
}

/** Tries again and again, one try after the other has ended; returns what stops it. */
export function keepTrying(
  retry: () => Promise<void>,
  after_ms: (tries: number) => number,
): () => void {
  let stopped = false;
  let timer: ReturnType<typeof setTimeout>;
  const wait = (tries: number) => {
    const then = () => void retry().finally(() => stopped || wait(tries + 1));
    timer = setTimeout(then, after_ms(tries));
  };
  wait(0);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
