import { describe, expect, it } from "vitest";
import { CELL_PX, numbers, partOf, placeOf, scrolledTo } from "../../src/console/strip";
import { snapshot } from "../made";

describe("the strip", () => {
  it.each([
    ["at the left", 0, { from: 0, to: 20 }],
    ["in the middle", 700 * CELL_PX, { from: 692, to: 720 }],
    ["at the right", 1500 * CELL_PX, { from: 1492, to: 1500 }],
  ])("has only what is in view in the page: %s", (_, left, part) => {
    expect(partOf(left, 10 * CELL_PX, 1500)).toEqual(part);
  });

  it("changes what is in the page seldom: the browser scrolls alone between", () => {
    const parts = Array.from({ length: 4 * CELL_PX }, (_, px) =>
      JSON.stringify(partOf(400 * CELL_PX + px, 10 * CELL_PX, 1500)),
    );
    expect(new Set(parts).size).toBeLessThanOrEqual(3);
  });

  it("has a page of nothing where nothing is", () => {
    expect(partOf(0, 800, 0)).toEqual({ from: 0, to: 0 });
  });

  it("brings a thumbnail to the middle, and never scrolls below 0", () => {
    expect(scrolledTo(0, 800)).toBe(0);
    expect(scrolledTo(100, 804)).toBe(100 * CELL_PX - 350);
  });

  it.each([
    [0, { sheet: 0, x: 0, y: 0 }],
    [9, { sheet: 0, x: 864, y: 0 }],
    [10, { sheet: 0, x: 0, y: 72 }],
    [59, { sheet: 0, x: 864, y: 360 }],
    [60, { sheet: 1, x: 0, y: 0 }],
    [1499, { sheet: 24, x: 864, y: 360 }],
  ])("finds thumbnail %i on its sheet", (number, place) => {
    expect(placeOf(number)).toEqual(place);
  });

  it("counts as the sheets do: periodic snapshots alone, in the server's order", () => {
    const shots = [
      snapshot(5),
      snapshot(1, { purpose: "face" }),
      snapshot(2, { blob: "erased" }),
      snapshot(3, { device: "d_2" }),
    ];
    expect([...numbers(shots)]).toEqual([
      ["d_web1 5", 0],
      ["d_web1 2", 1],
      ["d_2 3", 2],
    ]);
  });
});
