/** What the tests of the twin share: the vectors, a reader that dies loudly, and dice with a seed. */

import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { fromBase64, fromHex, type Bytes } from "../../src/evidence/bytes";
import { EvidenceError } from "../../src/evidence/errors";
import { Fraction, type Json } from "../../src/evidence/json";

/** The cases of one file that Python and TypeScript both read. */
export function vectors<Case>(topic: string): Case[] {
  const file = new URL(`../../../../tests/vectors/evidence-v1/${topic}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as Case[];
}

export function ofHex(text: string): Bytes {
  return sure(fromHex(text));
}

export function ofBase64(text: string): Bytes {
  return sure(fromBase64(text));
}

export function sure<Value>(value: Value | null | undefined): Value {
  expect(value).not.toBeNull();
  expect(value).not.toBeUndefined();
  return value as Value;
}

/** The code of the refusal; null where nothing was refused. A bug passes through. */
export async function codeOf(run: () => unknown): Promise<string | null> {
  try {
    await run();
    return null;
  } catch (error) {
    if (error instanceof EvidenceError) return error.code;
    throw error;
  }
}

/** A value as `JSON.parse` would give it. */
export function plain(value: Json): unknown {
  if (value instanceof Fraction) return value.value;
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, each]) => [key, plain(each)]));
  }
  return Array.isArray(value) ? value.map(plain) : value;
}

/** Numbers 0 <= n < below, the same for the same seed (mulberry32). */
export function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** The same bytes with one bit of one of them turned. */
export function flipped(bytes: Bytes, at: number): Bytes {
  const other = bytes.slice();
  other[at] = (other[at] ?? 0) ^ 1;
  return other;
}
