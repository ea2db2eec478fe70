/**
 * What a browser can tell of a learner who leaves the exam: that, when, and for how long.
 *
 * Where to is known only of resources that were opened from the room. No keys, no contents, nothing
 * outside of an open section; of windows and displays nothing without a rule of the policy.
 */

import { effect } from "@preact/signals";
import type { Writable } from "../evidence/json";
import type { DeviceKind } from "../evidence/record";
import { openSection, type Log } from "./capture";
import { DEVICE_CLOCKS } from "./clock";
import { DeviceStopped, StorageFull } from "./device";

/** The parts of a browser that are watched. */
export interface Page {
  readonly document: EventTarget &
    Pick<Document, "hidden" | "hasFocus"> & { readonly fullscreenElement: Element | null };
  readonly window: EventTarget;
  /** Tells when displays were plugged or unplugged, where the browser does. */
  readonly screen: Partial<EventTarget>;
  /** How many displays there are; 2 stands for more than one. Null where nobody knows. */
  readonly displays: () => Promise<number | null>;
}

interface Away {
  readonly to: string;
  readonly fromMs: number;
  readonly section: string;
}

// A shorter absence is a dialog of the browser that came and went.
const AWAY_MS = 1000;
const LONG_PASTE = 200;
// From the click on a resource until its window is in front.
const LEAVING_MS = 5000;
const MAX_ADDRESS = 2000;

let leaving: { readonly url: string; readonly atMs: number } | null = null;

/** Says that a resource of the exam is about to be opened: the next absence is for that. */
export function leavingFor(url: string): void {
  leaving = { url: url.slice(0, MAX_ADDRESS), atMs: DEVICE_CLOCKS.steady() };
}

/** Watches until the function that is returned is called. `where` is the item on the screen. */
export function watch(device: Log, where: () => string | null, page: Page = browser()): () => void {
  const { clock, joined, view } = device;
  const stop = new AbortController();
  let away: Away | null = null;
  /** The displays that were noted last in this section. */
  let displays = 1;

  const section = (): string | null => openSection(view.peek(), clock.nowMs());
  const note = (kind: DeviceKind, facts: Record<string, Writable>): void => {
    device.write(kind, facts).catch((error: unknown) => {
      // A learner who answers is worth more than a note that did not fit.
      if (!(error instanceof StorageFull || error instanceof DeviceStopped)) reportError(error);
    });
  };
  const listen = (target: Partial<EventTarget>, type: string, heard: (event: Event) => void) =>
    target.addEventListener?.(type, heard, { signal: stop.signal });

  const comeBack = (): void => {
    if (away === null) return;
    const { to, fromMs } = away;
    away = null;
    const toMs = clock.deviceMs();
    if (toMs - fromMs < AWAY_MS) return;
    note("focus", { away_to: to, from_ms: fromMs, to_ms: toMs });
  };
  const look = (): void => {
    const gone = page.document.hidden || !page.document.hasFocus();
    const open = section();
    if (!gone) {
      comeBack();
      if (open !== null) void count();
    } else if (away === null && open !== null && isLookedFor(joined.policy, "left-page", open)) {
      const known = leaving !== null && DEVICE_CLOCKS.steady() - leaving.atMs < LEAVING_MS;
      away = { to: known ? leaving!.url : "", fromMs: clock.deviceMs(), section: open };
      leaving = null;
    }
  };
  const count = async (): Promise<void> => {
    const open = section();
    if (open === null || !isLookedFor(joined.policy, "second-display", open)) return;
    const found = (await page.displays()) ?? displays;
    if (found === displays || stop.signal.aborted) return;
    displays = found;
    if (found > 1) note("notice", { notice: "second-display", displays: found });
  };
  const brought = (text: string | undefined): void => {
    const characters = text?.length ?? 0;
    if (characters < LONG_PASTE || section() === null) return;
    note("notice", { notice: "paste", item: where() ?? "", characters });
  };

  for (const type of ["blur", "focus", "pageshow"]) listen(page.window, type, look);
  listen(page.document, "visibilitychange", look);
  // A tab that is closed while its learner is away: what there is to say is said now or never.
  listen(page.window, "pagehide", comeBack);
  listen(page.screen, "change", () => void count());
  listen(page.document, "fullscreenchange", () => {
    if (page.document.fullscreenElement !== null || section() === null) return;
    note("notice", { notice: "full-screen-left" });
  });
  listen(page.document, "paste", (event) => {
    brought((event as ClipboardEvent).clipboardData?.getData("text/plain"));
  });
  // Text that is dragged in is pasted all the same.
  listen(page.document, "drop", (event) => {
    brought((event as DragEvent).dataTransfer?.getData("text/plain"));
  });

  let before: string | null = null;
  const end = effect(() => {
    const open = openSection(view.value, clock.nowMs());
    if (away !== null && open !== away.section) comeBack();
    if (open === before) return;
    before = open;
    displays = 1; // in the next section it is noted anew
    if (open !== null) look();
  });
  return () => {
    end();
    stop.abort();
    comeBack();
  };
}

/** Whether a rule of the policy is about this, in this section: else it is not looked for. */
export function isLookedFor(
  policy: Readonly<Record<string, unknown>>,
  when: string,
  section: string,
): boolean {
  const rules: unknown = policy["flag"];
  if (!Array.isArray(rules)) return false;
  return rules.some((rule: Readonly<Record<string, unknown>>) => {
    const sections: unknown = rule["sections"];
    const here = !Array.isArray(sections) || sections.length === 0 || sections.includes(section);
    return rule["when"] === when && here;
  });
}

function browser(): Page {
  // Chromium's tells of changes; TypeScript knows none that does.
  return { document, window, screen: screen as Partial<EventTarget>, displays: displaysOf };
}

/** Chromium alone tells; how many only after the learner has allowed it, and none is asked here. */
async function displaysOf(): Promise<number | null> {
  const asked = window as unknown as { getScreenDetails?(): Promise<{ screens: unknown[] }> };
  try {
    const name = "window-management" as PermissionName;
    if ((await navigator.permissions.query({ name })).state === "granted") {
      return (await asked.getScreenDetails?.())?.screens.length ?? null;
    }
  } catch {
    // a browser that knows no such permission, or whose policy forbids it
  }
  const { isExtended } = screen as unknown as { isExtended?: boolean };
  return isExtended === undefined ? null : isExtended ? 2 : 1;
}
