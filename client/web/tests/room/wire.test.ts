import { describe, expect, test, vi } from "vitest";
import { hex, utf8 } from "../../src/evidence/bytes";
import { KeyKind, SigningKey, VerifierKey } from "../../src/evidence/key";
import { Checkpoint, Note, signCheckpoint } from "../../src/evidence/note";
import { Backoff } from "../../src/room/learner-api";
import {
  NotUnderstood,
  openReceipt,
  readJoined,
  readMessage,
  ReceiptRefused,
} from "../../src/room/wire";

const ROOT = "ab".repeat(32);
const LOG = { size: 3, root: ROOT };
const VIEW = { state: "running", sections: [], now_ms: 5 };
const good = {
  welcome: { size: 1, root: ROOT, owed: [ROOT], server_log: LOG, now_ms: 7 },
  receipt: { note: "a note", size: 1, owed: [], server_log: null },
  held: { sha256: [ROOT] },
  resume: { size: 0, root: ROOT },
  problem: { problem: { type: "urn:proctor:problem:fork", status: 422, device: "d" } },
  session: { session: VIEW, server_log: LOG },
};

describe("messages of the uplink", () => {
  test("say what the protocol says", () => {
    const read = (type: keyof typeof good) => readMessage(JSON.stringify({ type, ...good[type] }));
    expect(read("welcome")).toMatchObject({ size: 1, owed: new Set([ROOT]), nowMs: 7 });
    expect(read("receipt")).toMatchObject({ note: utf8("a note"), size: 1, serverLog: null });
    expect(read("held")).toEqual({ type: "held", digests: new Set([ROOT]) });
    expect(read("resume")).toMatchObject({ size: 0 });
    expect(read("problem")).toMatchObject({
      problem: { code: "fork", status: 422, facts: { device: "d" } },
    });
    expect(read("session")).toMatchObject({ view: VIEW, serverLog: LOG });
  });

  test.each([
    "",
    "[]",
    "{}",
    '{"type":"hello"}',
    ...Object.entries(good).flatMap(([type, message]) =>
      Object.keys(message)
        .filter((key) => !["server_log", "now_ms"].includes(key))
        .flatMap((key) =>
          [null, -1, 1.5, "zz", true, [1], { size: "1" }].map((odd) =>
            JSON.stringify({ type, ...message, [key]: odd }),
          ),
        )
        // A note is any text here: what it is worth is found when it is opened.
        .filter((text) => !text.includes('"note":"zz"')),
    ),
  ])("that are none are refused: %s", (text) => {
    expect(() => readMessage(text)).toThrow(NotUnderstood);
  });
});

describe("a receipt", () => {
  const root = new Uint8Array(32).fill(7);

  async function made(
    changed: { name?: string; stranger?: boolean; pair?: CryptoKeyPair } = {},
  ) {
    const key = changed.pair
      ? await SigningKey.of("d_web1", changed.pair)
      : await SigningKey.generate("d_web1");
    const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    const serverKey = new VerifierKey("proctor.example", KeyKind.COSIGNATURE, raw);
    const signed = Note.parse(await signCheckpoint(new Checkpoint("origin", 4, root), key));
    const timed = utf8(`cosignature/v1\ntime 1795284000\n${signed.text}`);
    const signature = new Uint8Array(8 + 64);
    new DataView(signature.buffer).setBigUint64(0, 1795284000n);
    signature.set(new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, timed)), 8);
    const { name, keyId } = serverKey;
    const line = { name: changed.name ?? name, keyId, signature };
    const more = changed.stranger ? [{ ...line, keyId: Uint8Array.of(1, 2, 3, 4) }] : [];
    const note = new Note(signed.text, [...signed.signatures, line, ...more]).encode();
    const expected = { origin: "origin", serverKeys: [serverKey], size: 4, root };
    return { note, expected: { ...expected, key: key.verifier } };
  }

  test("of both keys, for these records, tells the server's time", async () => {
    const { note, expected } = await made();
    expect(await openReceipt(note, expected)).toBe(1_795_284_000_000);
  });

  test("in a browser without Ed25519 is kept as it came, unless its records are others", async () => {
    const how = { name: "ECDSA", namedCurve: "P-256" };
    const pair = await crypto.subtle.generateKey(how, false, ["sign", "verify"]);
    const { note, expected } = await made({ pair });
    const lacks = new DOMException("Unrecognized name.", "NotSupportedError");
    const importKey = crypto.subtle.importKey.bind(crypto.subtle) as (...of: unknown[]) => unknown;
    const spy = vi.spyOn(crypto.subtle, "importKey").mockImplementation((...asked: unknown[]) => {
      if (asked[2] === "Ed25519") throw lacks;
      return importKey(...asked) as Promise<CryptoKey>;
    });
    try {
      expect(await openReceipt(note, expected)).toBe(1_795_284_000_000);
      await expect(openReceipt(note, { ...expected, size: 5 })).rejects.toThrow(ReceiptRefused);
    } finally {
      spy.mockRestore();
    }
  });

  test.each([
    ["of other records", { root: new Uint8Array(32) }],
    ["of another size", { size: 5 }],
    ["of another log", { origin: "elsewhere" }],
    ["of a key that is not the server's", { serverKeys: [] }],
  ])("%s is refused", async (_what, changed) => {
    const { note, expected } = await made();
    await expect(openReceipt(note, { ...expected, ...changed })).rejects.toThrow(ReceiptRefused);
  });

  test("with a name or a line that is nobody's is refused", async () => {
    for (const changed of [{ name: "another.example" }, { stranger: true }]) {
      const { note, expected } = await made(changed);
      await expect(openReceipt(note, expected)).rejects.toThrow(ReceiptRefused);
    }
    const { note, expected } = await made();
    note[10] = (note[10] ?? 0) ^ 1;
    await expect(openReceipt(note, expected)).rejects.toThrow(ReceiptRefused);
  });
});

describe("the answer to joining", () => {
  const answer = {
    session: "s_1",
    device: "d_web1",
    device_token: "secret",
    origin: "o",
    server_keys: ["proctor.example+6e8d4241+BCrhTJfV7cUAwdeLyodJpoYbBwqwo7fjZ60Kye5Cayzi"],
    exam: { id: "e", title: "E", sections: [], in_order: true },
    policy_sha256: ROOT,
    policy: {},
    notice: [],
    capture: { snapshot_every_s: 10, width: 640, height: 480, jpeg_quality: 80 },
  };

  test("is read whole, the token apart", () => {
    const { joined, deviceToken } = readJoined(JSON.stringify(answer));
    expect(deviceToken).toBe("secret");
    expect(joined).toMatchObject({ session: "s_1", exam: { id: "e" }, capture: { width: 640 } });
    expect(hex(joined.server_keys[0]?.keyId ?? new Uint8Array())).toBe("6e8d4241");
  });

  test.each(Object.keys(answer))("without its %s is none", (key) => {
    const less = JSON.stringify({ ...answer, [key]: undefined });
    expect(() => readJoined(less)).toThrow(NotUnderstood);
    const odd = JSON.stringify({ ...answer, [key]: key === "server_keys" ? ["no key"] : 7 });
    expect(() => readJoined(odd)).toThrow(NotUnderstood);
  });
});

test("pauses grow from half a second to ten seconds, and no further", () => {
  const longest = new Backoff(() => 1);
  const pauses = Array.from({ length: 8 }, () => longest.nextMs());
  expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  longest.reset();
  expect(longest.nextMs()).toBe(500);
  expect(new Backoff(() => 0).nextMs()).toBe(500);
});
