import { describe, expect, it } from "vitest";
import { type Asked, type Badge, EvidenceBadge, type Verifier } from "../../src/console/evidence-badge";
import type { Report } from "../../src/evidence/verify";
import { desk as words } from "../../src/text/desk";

class Thread implements Verifier {
  asked: Asked[] = [];
  ended = false;
  onmessage: ((event: MessageEvent<Badge>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  postMessage(asked: Asked) {
    this.asked.push(asked);
  }
  terminate() {
    this.ended = true;
  }
  says(badge: Badge) {
    this.onmessage?.({ data: badge } as MessageEvent<Badge>);
  }
}

const REPORT: Report = {
  holds: true,
  server_key: "k",
  key_was_given: true,
  steps: [],
  not_tried: [],
  not_proven: [],
};

function made() {
  const threads: Thread[] = [];
  const badge = new EvidenceBadge(() => {
    const thread = new Thread();
    threads.push(thread);
    return thread;
  });
  return { badge, threads };
}

describe("the badge", () => {
  it("says how far it is, and ends its thread when it knows", () => {
    const { badge, threads } = made();
    badge.verify("s_1");
    const [thread] = threads as [Thread];
    expect(thread.asked[0]?.url).toBe("/api/v1/sessions/s_1/bundle");
    expect(badge.badge.value.is).toBe("fetching");
    thread.says({ is: "verifying", step: 3, of: 9 });
    expect(words.badge.words(badge.badge.value)).toBe("Evidence: verifying, step 3 of 9");
    expect(thread.ended).toBe(false);
    thread.says({ is: "verified", report: REPORT, took_ms: 5 });
    expect([badge.badge.value.is, thread.ended]).toEqual(["verified", true]);
  });

  it("never says of one session what was found in another", () => {
    const { badge, threads } = made();
    badge.verify("s_1");
    badge.verify("s_2");
    const [old, now] = threads as [Thread, Thread];
    expect(old.ended).toBe(true);
    old.says({ is: "verified", report: REPORT, took_ms: 5 });
    expect(badge.badge.value.is).toBe("fetching");
    now.says({ is: "refuted", report: { ...REPORT, holds: false }, took_ms: 5 });
    expect(badge.badge.value.is).toBe("refuted");
    badge.stop();
    expect(badge.badge.value.is).toBe("not-yet");
  });

  it("is not verified where the thread falls over", () => {
    const { badge, threads } = made();
    badge.verify("s_1");
    threads[0]?.onerror?.({} as ErrorEvent);
    expect(badge.badge.value).toEqual({ is: "unavailable", because: "unreachable" });
  });

  it.each([
    [{ is: "fetching", bytes: 2_340_000, share: null }, "Evidence: fetching, 2.3 MB"],
    [{ is: "fetching", bytes: 5, share: 0.421 }, "Evidence: fetching, 42 %"],
    [{ is: "not-yet" }, "Evidence: verified when the session has ended"],
    [{ is: "unavailable", because: "unreachable" }, "Evidence not verified"],
  ] as [Badge, string][])("is said in plain words: %o", (badge, said) => {
    expect(words.badge.words(badge)).toBe(said);
  });
});
