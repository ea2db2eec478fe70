/** One tab at a time: a log with two writers would fork. */

import { OtherTab } from "./spool";

/** For a page that is being reloaded, its former self may still hold the lock. */
const LOCK_PATIENCE_MS = 1500;

/**
 * Takes a lock that one tab has at a time; what it returns lets go. `robbed` is told when another
 * tab steals it.
 *
 * Throws OtherTab: it is taken.
 */
export function lock(name: string, steal: boolean, robbed: () => void): Promise<() => void> {
  const how = steal ? { steal } : { signal: AbortSignal.timeout(LOCK_PATIENCE_MS) };
  return new Promise((resolve, reject) => {
    let held = false;
    const over = navigator.locks.request(name, how, () => {
      held = true;
      return new Promise<void>((release) => resolve(release));
    });
    over.catch(() => (held ? robbed() : reject(new OtherTab())));
  });
}
