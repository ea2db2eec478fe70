import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { hex, utf8 } from "../../src/evidence/bytes";
import { digestOf, sha256 } from "../../src/evidence/sha256";
import { dice } from "./made";

// FIPS 180-2 appendix B, and the empty message of NIST's SHAVS.
const PUBLISHED = [
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  ],
  ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
] as const;

describe("SHA-256", () => {
  it.each(PUBLISHED)("is what NIST publishes: %.12s", (text, digest) => {
    expect(hex(sha256(utf8(text)))).toBe(digest);
  });

  it("is Node's at every length over four blocks, wherever the bytes lie", () => {
    const roll = dice(1);
    for (let length = 0; length <= 260; length += 1) {
      const whole = Uint8Array.from({ length: length + 3 }, () => roll(256));
      const data = whole.subarray(3);
      expect(hex(sha256(data))).toBe(createHash("sha256").update(data).digest("hex"));
    }
  });

  it("is the browser's", async () => {
    const data = Uint8Array.from({ length: 100_000 }, (_, at) => at);
    expect(await digestOf(data)).toBe(hex(sha256(data)));
  });
});
