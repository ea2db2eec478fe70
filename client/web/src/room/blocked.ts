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
  if (error instanceof ProblemError) return { code: error.code, facts: error.facts };
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
