import { describe, expect, it } from "vitest";
import { fromUtf8, utf8 } from "../../src/evidence/bytes";
import { Fraction, NoJson, readStrictly, type Writable } from "../../src/evidence/json";
import { encode, isSha256, MAX_RECORD_BYTES, parse, parseInPlace } from "../../src/evidence/record";
import { codeOf, plain } from "./made";

const PLACE = { session: "s_7Q2M", device: "d_web1", seq: 41 };
const HEAD = '{"v":1,"session":"s_7Q2M","device":"d_web1","seq":41,"at_ms":1795284000123,"kind":"answer"';

function line(facts: Parameters<typeof encode>[0]["facts"]): string | null {
  return fromUtf8(encode({ ...PLACE, at_ms: 1795284000123, kind: "answer", facts }));
}

describe("a record", () => {
  it("is written as the specification shows it", () => {
    expect(line({})).toBe(`${HEAD}}`);
    const blob = { sha256: "9f".repeat(32), type: "image/jpeg", size: 40213 };
    const shot = encode({ ...PLACE, at_ms: 1, kind: "snapshot", blob, facts: { purpose: "face" } });
    expect(fromUtf8(shot)).toBe(
      '{"v":1,"session":"s_7Q2M","device":"d_web1","seq":41,"at_ms":1,"kind":"snapshot",' +
        `"blob":{"sha256":"${blob.sha256}","type":"image/jpeg","size":40213},"purpose":"face"}`,
    );
    expect(parse(shot)).toMatchObject({ blob, kind: "snapshot" });
  });

  it("keeps letters as they are and escapes what a line can't hold", () => {
    const response = '"\\/\b\f\n\r\t\u0000\u001f\u007f\u2028 3,14 ≈ π 有道 🙂';
    const written = line({ response });
    expect(written).toBe(
      `${HEAD},"response":"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\u007f\u2028 3,14 ≈ π 有道 🙂"}`,
    );
    expect(parse(utf8(written ?? "")).facts.get("response")).toBe(response);
  });

  it("keeps the order of keys, of those too that look like numbers", () => {
    const facts = new Map<string, Writable>([["b", 1], ["10", [true, null]], ["2", { a: {} }]]);
    const written = line(facts) ?? "";
    expect(written).toBe(`${HEAD},"b":1,"10":[true,null],"2":{"a":{}}}`);
    expect([...parse(utf8(written)).facts.keys()]).toEqual(["b", "10", "2"]);
  });

  it("reads any key as a key, and none as a property", () => {
    const facts = parse(utf8(`${HEAD},"__proto__":{"kind":"verdict"},"constructor":1}`)).facts;
    expect([...facts.keys()]).toEqual(["__proto__", "constructor"]);
    expect(facts.get("toString")).toBeUndefined();
  });

  it("tells a number with a fraction from a whole one", () => {
    const facts = parse(utf8(`${HEAD},"a":2,"b":2.0,"c":2e0,"d":-0}`)).facts;
    expect(facts.get("a")).toBe(2);
    expect(facts.get("b")).toEqual(new Fraction(2));
    expect(facts.get("c")).toEqual(new Fraction(2));
    expect(facts.get("d")).toBe(0);
  });

  it.each<[string, unknown]>([
    ["a fraction", { a: 0.5 }],
    ["a number that readers round", { a: 2 ** 53 }],
    ["no number", { a: NaN }],
    ["infinity", { a: Infinity }],
    ["half a surrogate pair", { a: "\ud800" }],
    ["half a surrogate pair in a key", { "\udc00": 1 }],
    ["what is undefined", { a: undefined }],
    ["a function", { a: () => 1 }],
    ["a big integer", { a: 1n }],
    ["a date", { a: new Date(0) }],
    ["bytes", { a: new Uint8Array(2) }],
    ["a fraction that was read", { a: new Fraction(1) }],
    ["no object", "text"],
    ["a key of the head", { seq: 1 }],
    ["33 deep", { a: JSON.parse("[".repeat(32) + "]".repeat(32)) as unknown }],
    ["a ring", ring()],
    ["more than fits", { a: "x".repeat(MAX_RECORD_BYTES) }],
  ])("is not written of %s", async (_, facts) => {
    // What the types refuse, a caller can still hand over.
    const given = facts as Record<string, Writable>;
    expect(await codeOf(() => line(given))).toBe("malformed-record");
  });

  it.each([
    ["a negative place", { seq: -1 }],
    ["a time with a fraction", { at_ms: 0.5 }],
    ["a session with a slash", { session: "a/b" }],
    ["a device that says it is the server", { device: "server" }],
    ["a kind that is the server's", { kind: "verdict" as const }],
    ["a blob without a digest", { blob: { sha256: "", type: "image/jpeg", size: 1 } }],
  ])("is not written of %s", async (_, changed) => {
    const facts = { ...PLACE, at_ms: 1, kind: "answer" as const, facts: {}, ...changed };
    expect(await codeOf(() => encode(facts))).toBe("malformed-record");
  });

  it("belongs in one place", async () => {
    const written = encode({ ...PLACE, at_ms: 1, kind: "answer", facts: {} });
    expect(parseInPlace(written, PLACE).seq).toBe(41);
    for (const other of [{ seq: 40 }, { session: "s" }, { device: "d" }]) {
      const place = { ...PLACE, ...other };
      expect(await codeOf(() => parseInPlace(written, place))).toBe("out-of-place");
    }
  });
});

describe("JSON read strictly", () => {
  it.each([
    "null",
    "[]",
    "[ ]",
    "{ }",
    '{"a" : [1 , -2.5e-3, 0, -0.0, 1E2] ,\t"b":{"c":"\\u00e9\\ud83d\\ude42\\/"}}',
    '"\\u0000 \\" \\\\"',
    "9007199254740991",
    "-9007199254740991",
    "1e-400",
  ])("means what JSON.parse says: %s", (text) => {
    expect(plain(readStrictly(text))).toEqual(JSON.parse(text));
  });

  it.each([
    "",
    " 1",
    "1 ",
    "01",
    "+1",
    "1.",
    ".5",
    "-",
    "1e",
    "nul",
    "NaN",
    "-Infinity",
    "'a'",
    '"a',
    '"\t"',
    '"\\x41"',
    '"\\u12g4"',
    '"\\u 123"',
    '"\\ud800"',
    '"\\ude42\\ud83d"',
    "[1,]",
    "[,1]",
    "[1 2]",
    "[",
    "{",
    '{"a":1,}',
    '{"a"}',
    '{"a":}',
    "{a:1}",
    '{"a":1 "b":2}',
    '{"a":1,"\\u0061":2}',
    "[1]]",
    "9007199254740992",
    "-9007199254740992",
    "9007199254740991.5",
    "1e400",
    "\ufeff1",
    "\u00a01",
  ])("is not %j", (text) => {
    expect(() => readStrictly(text)).toThrow(NoJson);
  });

  it("reads 32 deep and no deeper, however deep it is", () => {
    const deep = (by: number) => "[".repeat(by) + "]".repeat(by);
    expect(readStrictly(deep(32))).toHaveLength(1);
    expect(() => readStrictly(deep(33))).toThrow(NoJson);
    expect(() => readStrictly(deep(1_000_000))).toThrow(NoJson);
  });
});

it.each([
  ["9f".repeat(32), true],
  ["9F".repeat(32), false],
  ["9f".repeat(31), false],
  [`${"9f".repeat(32)}\n`, false],
  [null, false],
])("tells a digest from what is none: %s", (value, is) => {
  expect(isSha256(value)).toBe(is);
});

function ring(): Record<string, unknown> {
  const facts: Record<string, unknown> = {};
  facts["self"] = facts;
  return facts;
}
