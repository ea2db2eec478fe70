import { describe, expect, it } from "vitest";
import { heldTogether } from "../../src/room/maths";

const X = '<span><math display="inline"><mi>x</mi></math></span>';

describe("a formula in a line", () => {
  it.each([
    ["before a question mark", `<p>What is ${X}?</p>`, `<p>What is <span class="held">${X}?</span></p>`],
    ["in brackets", `a (${X}), b`, `a <span class="held">(${X}),</span> b`],
    ["twice", `${X}, ${X}.`, `<span class="held">${X},</span> <span class="held">${X}.</span>`],
  ])("stays with what touches it: %s", (_, html, held) => {
    expect(heldTogether(html)).toBe(held);
  });

  it.each([
    ["alone", `<p>Let ${X} be</p>`],
    ["on a line of its own", '<span><math xmlns="a" display="block"><mi>x</mi></math></span>.'],
    ["no formula", "<p>(Nothing) here.</p>"],
  ])("is left as it is: %s", (_, html) => {
    expect(heldTogether(html)).toBe(html);
  });
});
