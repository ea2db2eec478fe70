import { encode } from "uqr";
import { describe, expect, it } from "vitest";
import { pathOf, showsRoom, wantsPhone } from "../../src/room/second-camera";

describe("wantsPhone", () => {
  it.each([
    ["a policy that asks for one", { capture: { second_camera: "phone" } }, true],
    ["a policy that asks for none", { capture: { second_camera: "none" } }, false],
    ["a policy of before there were any", { capture: {} }, false],
    ["no policy at all", {}, false],
    ["what is odd", { capture: null }, false],
  ])("is right of %s", (_name, policy, wanted) => {
    expect(wantsPhone(policy)).toBe(wanted);
  });
});

describe("showsRoom", () => {
  it.each([
    ["connected", true],
    ["asked", false],
    ["lost", false],
  ] as const)("of a phone that is %s is %s", (state, shows) => {
    expect(showsRoom({ second_camera: { state, since_ms: 1 } })).toBe(shows);
  });

  it("is false before a link was asked for", () => {
    expect(showsRoom({ second_camera: null })).toBe(false);
    expect(showsRoom({})).toBe(false);
  });
});

describe("pathOf", () => {
  it("draws a unit for each dark square, and nothing for a light one", () => {
    expect(pathOf([[true, false], [false, true]])).toBe("M0 0h1v1h-1zM1 1h1v1h-1z");
    expect(pathOf([[false]])).toBe("");
  });

  it("draws a code with its three corners and a quiet border", () => {
    const link = `https://proctor.example/join/s_7q2m.${"x".repeat(43)}`;
    const { data } = encode(link, { ecc: "M", border: 4 });
    const path = pathOf(data);
    expect(data.length).toBeLessThan(60);
    for (const [x, y] of [[4, 4], [data.length - 5, 4], [4, data.length - 5]]) {
      expect(path).toContain(`M${x} ${y}h1v1h-1z`);
    }
    expect(path).not.toMatch(/M[0-3] /);
  });
});
