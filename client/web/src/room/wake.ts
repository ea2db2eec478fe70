/** Keeps a phone's screen on while its page is in front, where the browser can. */

/** The parts of a browser that this takes. */
export interface Screen_ {
  readonly document: EventTarget & Pick<Document, "visibilityState">;
  /** Undefined where the browser has no wake lock. */
  readonly lock: (() => Promise<EventTarget & { release(): Promise<void> }>) | undefined;
}

/** `tell` hears whether it is kept on. Returns the end. */
export function keepAwake(tell: (on: boolean) => void, screen: Screen_ = browsers()): () => void {
  const { document, lock } = screen;
  const stop = new AbortController();
  let held: { release(): Promise<void> } | null = null;

  async function take(): Promise<void> {
    if (lock === undefined || held !== null || document.visibilityState !== "visible") return;
    try {
      const got = await lock();
      if (stop.signal.aborted) return void (await got.release());
      held = got;
      tell(true);
      got.addEventListener("release", () => {
        held = null;
        tell(false);
      });
    } catch {
      // A phone that saves its battery says no; the page asks the learner instead.
      tell(false);
    }
  }

  // The browser lets go whenever the page is left.
  const { signal } = stop;
  document.addEventListener("visibilitychange", () => void take(), { signal });
  void take();
  return () => {
    stop.abort();
    void held?.release().catch(() => undefined);
  };
}

function browsers(): Screen_ {
  if (typeof document === "undefined") return { document: emptyPage(), lock: undefined };
  const { wakeLock } = navigator as { wakeLock?: WakeLock };
  return { document, lock: wakeLock && (() => wakeLock.request("screen")) };
}

function emptyPage(): Screen_["document"] {
  return Object.assign(new EventTarget(), { visibilityState: "hidden" as const });
}
