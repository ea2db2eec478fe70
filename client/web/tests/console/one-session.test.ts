import { describe, expect, it } from "vitest";
import { Unreachable } from "../../src/api";
import { OneSession } from "../../src/console/one-session";
import type { LiveSession, Story } from "../../src/console/wall-api";
import { MINUTE, START } from "../made";
import { Clock, live, rest, story, tile } from "./wall-made";

/** An open session whose answers a test gives, and how often it was fetched aloud. */
function made() {
  const clock = new Clock();
  const seen = { fetched: 0, aloud: 0, stories: 0 };
  let answer: () => Promise<LiveSession> = () => Promise.resolve(live("a"));
  const one = new OneSession({
    api: {
      session: () => {
        seen.fetched += 1;
        return answer();
      },
      policy: () => Promise.resolve({ title: "", terminate_needs: 2, chapters: [], rules: [] }),
      story: () => {
        seen.stories += 1;
        return told();
      },
    },
    doing: async (_what, work) => {
      seen.aloud += 1;
      await work().catch(() => undefined);
    },
    failed: () => undefined,
    ...clock,
  });
  let told: () => Promise<Story> = () => Promise.resolve(story());
  const tells = (next: typeof told) => void (told = next);
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
  return { one, clock, seen, answers, tells, down, watch };
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
    expect(seen).toEqual({ fetched: 1, aloud: 1, stories: 0 });
  });

  it("has its story read anew when its tile has changed, and else seldom", async () => {
    const { one, seen, watch } = made();
    await open(one);
    expect([seen.stories, one.story.value]).toEqual([1, story()]);
    await watch(28_000);
    expect([seen.fetched > 2, seen.stories]).toEqual([true, 1]);
    await watch(10_000);
    expect(seen.stories).toBe(2);
    const asks = { topic: "question", text: "one", more: 0, since_ms: START };
    one.heard(tile("a", { help: asks }), tile("a", { help: { ...asks, text: "two", more: 1 } }));
    await rest();
    expect(seen.stories).toBe(3);
    // A sign of life is no reason.
    one.heard(tile("a"), tile("a", { heard_ms: START + 1 }));
    await watch(1000);
    expect(seen.stories).toBe(3);
  });

  it("is shown without its story while that can't be had, which is then tried again", async () => {
    const { one, tells, watch } = made();
    tells(() => Promise.reject(new Unreachable()));
    await open(one);
    expect([one.opened.value?.session, one.story.value]).toEqual(["a", null]);
    tells(() => Promise.resolve(story()));
    await watch(12_000);
    expect(one.story.value).toEqual(story());
  });

  it("shows nothing of the story of another", async () => {
    const { one, tells } = made();
    let come: (told: Story) => void = () => undefined;
    tells(() => new Promise((resolve) => void (come = resolve)));
    const fetching = open(one);
    await rest();
    one.show("b", null);
    come(story({ cut: true }));
    await fetching;
    expect(one.story.value).toBeNull();
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
