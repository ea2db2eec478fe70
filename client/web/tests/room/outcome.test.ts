import { expect, it } from "vitest";
import { outcomeOf } from "../../src/room/outcome";

it.each([
  ["nothing known", null, { review: "awaiting", flags: [], result: null, releasedUnjudged: false, held: false, mailed: false }],
  [
    "decided, with flags in words",
    {
      review: "decided",
      flags: [{ words: "two people", outcome: "upheld" }, { words: "dark", outcome: null }, 3],
      results: null,
      results_held: true,
      receipt_mailed: true,
    },
    {
      review: "decided",
      flags: [
        { words: "two people", outcome: "upheld" },
        { words: "dark", outcome: null },
      ],
      result: null,
      releasedUnjudged: false,
      held: true,
      mailed: true,
    },
  ],
  [
    "results released, one answer still to be scored",
    {
      review: "decided",
      flags: null,
      results: { points: 7.5, possible: 10, passed: null, awaiting: ["work"], late: [] },
    },
    {
      review: "decided",
      flags: [],
      result: { points: 7.5, possible: 10, passed: null, awaiting: 1 },
      releasedUnjudged: false,
      held: false,
      mailed: false,
    },
  ],
  [
    "results released, and nobody had to judge it",
    {
      review: "awaiting",
      flags: [],
      released_unjudged: true,
      results: { points: 10, possible: 10, passed: true, awaiting: [], late: [] },
    },
    {
      review: "awaiting",
      flags: [],
      result: { points: 10, possible: 10, passed: true, awaiting: 0 },
      releasedUnjudged: true,
      held: false,
      mailed: false,
    },
  ],
])("an outcome is read as far as it is understood: %s", (_, told, outcome) => {
  expect(outcomeOf(told)).toEqual(outcome);
});
