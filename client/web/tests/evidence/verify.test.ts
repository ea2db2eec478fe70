import { describe, expect, it } from "vitest";
import { crc32, parseFacts, SESSION, unpack } from "../../src/evidence/bundle";
import { concat, utf8, type Bytes } from "../../src/evidence/bytes";
import { Fraction, type Json, type Writable } from "../../src/evidence/json";
import { VerifierKey } from "../../src/evidence/key";
import { isEmpty, Known, same, sealedOtherwise } from "../../src/evidence/known";
import { encode, type Kind } from "../../src/evidence/record";
import { verify, type Progress } from "../../src/evidence/verify";
import { dice, flipped, ofBase64, sure, vectors } from "./made";

interface BundleCase {
  name: string;
  accept: boolean;
  bundle_base64: string;
  server_vkey: string;
}

const WHOLE = sure(vectors<BundleCase>("bundle").find(({ name }) => name === "a day of one device"));
const BUNDLE = ofBase64(WHOLE.bundle_base64);
const KEY = VerifierKey.parse(WHOLE.server_vkey);
const PICTURE = sure([...unpack(BUNDLE).members.keys()].find((name) => name.startsWith("blobs/")));

describe("verifying a bundle", () => {
  it("says step by step what held, and what it can't show", async () => {
    const report = await verify(BUNDLE, { serverKey: KEY });
    expect(report.steps.map(({ number, detail }) => `${number} ${detail}`)).toEqual([
      "1 8 members",
      "2 signed by proctor.example",
      "3 5 records; 0 admitted devices without a log",
      "4 6 records of 1 device, all receipted by 2026-11-21T18:01:00Z",
      expect.stringMatching(/^5 policy [0-9a-f]{12}, accepted on every device$/),
      "6 1 held, 1 erased, 0 never arrived",
      "7 1 root of the server's log, each found in it",
      "8 1 answer handed in, each as it was recorded",
      "9 1 flags, 1 verdicts, all on records in the bundle",
    ]);
    expect(report).toMatchObject({ holds: true, key_was_given: true, not_tried: [] });
    expect(report.server_key).toBe(WHOLE.server_vkey);
    expect(report.not_proven).toHaveLength(4);
  });

  it("says when the key was the bundle's own", async () => {
    expect(await verify(BUNDLE)).toMatchObject({ holds: true, key_was_given: false });
  });

  it("says how far it is", async () => {
    const heard: Progress[] = [];
    await verify(BUNDLE, { onProgress: (progress) => heard.push(progress) });
    expect(heard.map(({ step }) => step)).toEqual(heard.map(({ step }) => step).sort());
    expect(heard.filter(({ done }) => done === 1).map(({ step }) => step)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
    expect(heard.every(({ done }) => done >= 0 && done <= 1)).toBe(true);
  });

  it("reads it from the middle of a larger buffer", async () => {
    const larger = new Uint8Array(BUNDLE.length + 20);
    larger.set(BUNDLE, 7);
    const report = await verify(larger.subarray(7, 7 + BUNDLE.length), { serverKey: KEY });
    expect(report.holds).toBe(true);
  });

  it("comes to an answer whatever byte is turned, and the answer is no", async () => {
    for (let at = 0; at < BUNDLE.length; at += 7) {
      const report = await verify(flipped(BUNDLE, at), { serverKey: KEY });
      expect(report.holds, `byte ${at}`).toBe(false);
      expect(report.not_tried).toHaveLength(9 - report.steps.length);
    }
  });

  it("comes to an answer whatever is cut out of it", async () => {
    const roll = dice(7);
    for (let round = 0; round < 300; round += 1) {
      const from = roll(BUNDLE.length);
      const to = from + 1 + roll(BUNDLE.length - from);
      const cut = Uint8Array.from([...BUNDLE.subarray(0, from), ...BUNDLE.subarray(to)]);
      expect((await verify(cut, { serverKey: KEY })).holds).toBe(false);
    }
  });
});

it.each([
  ["a swapped blob", "BLOB was changed: its SHA-256 is not the one it is named for"],
  [`a member dropped: ${PICTURE}`, "BLOB is missing"],
  ["a picture added", "BLOB was added: no record names it"],
  ["an erased picture put back", "BLOB was added: session.json says that it is gone"],
  ["members in another order", "the seal was made for other members than these"],
  ["a member that no bundle has", "no bundle has a member of this name: 'readme.txt'"],
])("says which member is wrong, and how: %s", async (name, why) => {
  const found = sure(vectors<BundleCase>("bundle").find((each) => each.name === name));
  const report = await verify(ofBase64(found.bundle_base64), { serverKey: KEY });
  const said = report.steps.at(-1)?.detail.replace(/blobs\/[0-9a-f]{64}/, "BLOB");
  expect(said).toBe(why);
});

// Anyone can write it, for no signature covers it yet: 130,000 arguments are too many for a call, and
// as many digests of 64 KiB take minutes.
it("a log that names a long record endlessly is soon refused", async () => {
  const known = new Known(BUNDLE, KEY);
  known.container = unpack(BUNDLE);
  known.facts = parseFacts(known.member(SESSION));
  const device = sure([...known.facts.devices.keys()][0]);
  const log = `logs/${device}.jsonl`;
  const { session } = known.facts;
  const line = (seq: number, kind: Kind, facts: Record<string, Writable>): Bytes =>
    encode({ session, device, seq, at_ms: 0, kind, blob: null, facts });
  const answers = Array.from({ length: 5_000 }, () => ({ seq: 0 }));
  const lines = [
    line(0, "answer", { item: "q1", response: "x".repeat(65_000) }),
    ...Array.from({ length: 26 }, (_, at) => line(at + 1, "submission", { answers })),
  ];
  const newline = utf8("\n");
  const whole = concat(lines.flatMap((each) => [each, newline]));
  known.container = {
    ...known.container,
    members: new Map([...known.container.members, [log, whole]]),
  };
  const sealed = `${"0".repeat(64)} ${log}\n`;

  const found = new Map([[log, "1".repeat(64)]]);
  const refuted = await sealedOtherwise(known, sealed, found, () => null);

  expect(refuted).toMatchObject({
    message: `${log} was changed: record 0 and the submission at 1 do not agree`,
    device,
    record: 0,
  });
});

it("CRC-32 is that of zip files", () => {
  expect(crc32(utf8("123456789"))).toBe(0xcbf43926);
});

describe("two values", () => {
  const map = (...fields: [string, Json][]): Json => new Map(fields);

  it.each<[Json, Json]>([
    ["q1", "q1"],
    [null, null],
    [2, new Fraction(2)],
    [true, 1],
    [[1, ["a"]], [new Fraction(1), ["a"]]],
    [map(["a", 1], ["b", null]), map(["b", null], ["a", 1])],
  ])("are the same: %j and %j", (one, other) => {
    expect(same(one, other)).toBe(true);
    expect(same(other, one)).toBe(true);
  });

  it.each<[Json, Json]>([
    ["1", 1],
    [null, 0],
    [false, null],
    [2, new Fraction(2.5)],
    [[], map()],
    [[1], [1, 1]],
    [map(["a", null]), map(["b", null])],
    [map(["a", 1]), map(["a", 1], ["b", 1])],
  ])("are not the same: %j and %j", (one, other) => {
    expect(same(one, other)).toBe(false);
    expect(same(other, one)).toBe(false);
  });

  it.each<[Json, boolean]>([
    [null, true],
    [false, true],
    [0, true],
    [new Fraction(0), true],
    ["", true],
    [[], true],
    [map(), true],
    [" ", false],
    [new Fraction(0.5), false],
    [[0], false],
    [map(["a", 0]), false],
  ])("%j says nothing: %s", (value, empty) => {
    expect(isEmpty(value)).toBe(empty);
  });
});
