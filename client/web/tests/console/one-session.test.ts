import { describe, expect, it } from "vitest";
import { Unreachable } from "../../src/api";
import { OneSession } from "../../src/console/one-session";
import type { LiveSession } from "../../src/console/wall-api";
import { MINUTE, START } from "../made";
import { Clock, live, rest, tile } from "./wall-made";

/** An open session whose answers a test gives, and how often it was fetched aloud. */
function made() {
  const clock = new Clock();
  const seen = { fetched: 0, aloud: 0 };
  let answer: () => Promise<LiveSession> = () => Promise.resolve(live("a"));
  const one = new OneSession({
    api: {
      session: () => {
        seen.fetched += 1;
        return answer();
      },
      policy: () => Promise.resolve({ title: "", terminate_needs: 2, chapters: [], rules: [] }),
    },
    doing: async (_what, work) => {
      seen.aloud += 1;
      await work().catch(() => undefined);
    },
    failed: () => undefined,
    ...clock,
  });
  const answers = (next: typeof answer) => void (answer = next);
  const down = () => answers(() => Promise.reject(new Unreachable()));
  /** As the wall does: once a second. */
  const watch = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1000) {
      await clock.pass(1000);
      one.renew();
    }
    await rest();
  };
  return { one, clock, seen, answers, down, watch };
}

async function open(one: OneSession): Promise<void> {
  one.show("a", null);
  await one.fetch();
}

describe("an open session", () => {
  it("says from when it is while it can't be fetched anew", async () => {
    const { one, answers, down, watch } = made();
    await open(one);
    down();
    await watch(30_000);
    expect([one.opened.value?.session, one.old_ms.value]).toEqual(["a", START]);
    answers(() => Promise.resolve(live("a", { version: 4 })));
    await watch(2 * MINUTE);
    expect([one.opened.value?.version, one.old_ms.value]).toEqual([4, null]);
  });

  it("is asked for more and more seldom while it can't be had", async () => {
    const { one, seen, down, watch } = made();
    await open(one);
    down();
    await watch(10 * MINUTE);
    expect(seen.fetched).toBeLessThan(12);
  });

  it("that never came is not asked for aloud again by itself", async () => {
    const { one, seen, down, watch } = made();
    down();
    await open(one);
    one.refetch(); // something changed meanwhile
    await watch(MINUTE);
    one.heard(undefined, tile("a"));
    await rest();
    expect(seen).toEqual({ fetched: 1, aloud: 1 });
  });

  it("stays as an act left it, where an answer from before the act comes after it", async () => {
    const { one, clock, answers } = made();
    await open(one);
    let come: (session: LiveSession) => void = () => undefined;
    answers(() => new Promise((resolve) => void (come = resolve)));
    await clock.pass(1000);
    one.refetch();
    one.opened.value = live("a", { version: 4 });
    come(live("a", { version: 3 }));
    await rest();
    expect(one.opened.value.version).toBe(4);
  });
});
