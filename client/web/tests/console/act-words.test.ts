import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { AskingAct } from "../../src/console/acts";
import { wall as words } from "../../src/text/wall";

interface Case {
  act: AskingAct;
  seconds?: number;
  of?: string;
  /** As the server serves them beside the act. */
  reason?: string;
  rule_words?: string;
  words: string;
}

/** tests/domain/test_act_words.py reads the same file: what the server says of such an act. */
const { cases } = JSON.parse(
  readFileSync(new URL("../../../../tests/vectors/act-words.json", import.meta.url), "utf8"),
) as { cases: Case[] };

describe("before an act", () => {
  it.each(cases.map((one) => [one.words, one] as const))("the page says: %s", (said, one) => {
    const { act, reason = "", seconds = null, rule_words: rule = "", of = "" } = one;
    const shown = words.reads(act, reason, { seconds, rule, of });
    expect(shown).toBe(said);
  });
});
