import { describe, expect, it } from "vitest";
import { keepAwake, type Screen_ } from "../../src/room/wake";
import { settled } from "./tape";

/** A phone whose page can be left, and whose screen can be kept on or not. */
class FakeScreen {
  readonly page = Object.assign(new EventTarget(), { visibilityState: "visible" as "visible" | "hidden" });
  refuses = false;
  locks: (EventTarget & { released: boolean; release(): Promise<void> })[] = [];
  readonly told: boolean[] = [];
  readonly screen: Screen_ = {
    document: this.page,
    lock: async () => {
      if (this.refuses) throw new DOMException("no", "NotAllowedError");
      const lock = Object.assign(new EventTarget(), {
        released: false,
        async release() {
          lock.released = true;
          lock.dispatchEvent(new Event("release"));
        },
      });
      this.locks.push(lock);
      return lock;
    },
  };
  start(screen = this.screen) {
    return keepAwake((on) => this.told.push(on), screen);
  }
  async turn(state: "visible" | "hidden") {
    this.page.visibilityState = state;
    if (state === "hidden") await this.locks.at(-1)?.release();
    this.page.dispatchEvent(new Event("visibilitychange"));
    await settled();
  }
}

describe("keepAwake", () => {
  it("keeps the screen on, and again after the page was left", async () => {
    const fake = new FakeScreen();
    fake.start();
    await settled();
    await fake.turn("hidden");
    await fake.turn("visible");
    expect(fake.told).toEqual([true, false, true]);
    expect(fake.locks.length).toBe(2);
  });

  it("asks once as long as it is kept on", async () => {
    const fake = new FakeScreen();
    fake.start();
    await settled();
    await fake.turn("visible");
    expect(fake.locks.length).toBe(1);
  });

  it("says so where the phone says no", async () => {
    const fake = new FakeScreen();
    fake.refuses = true;
    fake.start();
    await settled();
    expect(fake.told).toEqual([false]);
  });

  it("does nothing in a browser that can't", async () => {
    const fake = new FakeScreen();
    const end = fake.start({ document: fake.page, lock: undefined });
    await settled();
    end();
    expect(fake.told).toEqual([]);
  });

  it("lets go at the end, though it was only just given", async () => {
    const [early, late] = [new FakeScreen(), new FakeScreen()];
    early.start()();
    const end = late.start();
    await settled();
    end();
    await settled();
    await late.turn("visible");
    expect([...early.locks, ...late.locks].map(({ released }) => released)).toEqual([true, true]);
  });
});
