import { describe, expect, test } from "vitest";
import { ServerClock } from "../../src/room/clock";

/** A device whose clocks stand still until a test moves them. */
function device() {
  const at = { wall: 1_000_000, steady: 50 };
  const clock = new ServerClock({ wall: () => at.wall, steady: () => at.steady });
  function pass(ms: number): void {
    at.wall += ms;
    at.steady += ms;
  }
  return { at, clock, pass };
}

describe("the server's time", () => {
  test("is the device's own before anything was heard", () => {
    const { clock } = device();
    expect(clock.nowMs()).toBe(1_000_000);
    expect([clock.offsetMs(), clock.tripMs()]).toEqual([null, null]);
  });

  test("is known to half a round trip, and the shortest one counts", () => {
    const { clock, pass } = device();
    pass(400);
    clock.learn(9_000_000, 50, 450);
    expect(clock.nowMs()).toBe(9_000_200);
    pass(100);
    clock.learn(9_000_290, 540, 550);
    expect(clock.nowMs()).toBe(9_000_295);
    pass(1000);
    clock.learn(5, 550, 1550);
    expect(clock.nowMs()).toBe(9_001_295);
    expect(clock.tripMs()).toBe(10);
  });

  test("is not moved by setting the computer's clock", () => {
    const { at, clock, pass } = device();
    clock.learn(9_000_000, 50, 50);
    at.wall -= 7_200_000;
    pass(10);
    expect(clock.nowMs()).toBe(9_000_010);
    expect(clock.slept()).toBe(-7_200_000);
    expect(clock.nowMs()).toBe(9_000_010);
    expect(clock.deviceMs()).toBe(1_000_000 - 7_200_000 + 10);
  });

  test("is never before what a push said, however long that travelled", () => {
    const { clock } = device();
    clock.heard(9_000_000);
    expect(clock.nowMs()).toBe(9_000_000);
    clock.heard(8_000_000);
    expect(clock.nowMs()).toBe(9_000_000);
    clock.heard(9_000_500);
    expect(clock.nowMs()).toBe(9_000_500);
  });

  test("goes on through a sleep in which the steady clock stood still", () => {
    const { at, clock, pass } = device();
    clock.learn(9_000_000, 50, 50);
    at.wall += 60_000;
    expect(clock.slept()).toBe(60_000);
    expect(clock.nowMs()).toBe(9_060_000);
    expect(clock.slept()).toBe(0);
    // What was learnt before counts no more, however short its trip was.
    pass(500);
    clock.learn(9_070_000, 50, 550);
    expect(clock.nowMs()).toBe(9_070_250);
  });

  test("a clock that is adjusted a little has not slept", () => {
    const { at, clock } = device();
    at.wall += 1400;
    expect(clock.slept()).toBe(0);
  });
});
