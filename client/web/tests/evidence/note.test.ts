import { describe, expect, it } from "vitest";
import { base64, concat, fromBase64, fromHex, hex, utf8, type Bytes } from "../../src/evidence/bytes";
import { KeyKind, SigningKey, VerifierKey } from "../../src/evidence/key";
import {
  Checkpoint,
  isFork,
  Note,
  onlySignedBy,
  openCheckpoint,
  openCosignature,
  originOf,
  signCheckpoint,
} from "../../src/evidence/note";
import { codeOf, dice, flipped, sure } from "./made";

const ORIGIN = originOf({ server: "proctor.example", exam: "sds", session: "s_1", device: "d_web1" });
const ROOT = new Uint8Array(32).fill(7);
const CHECKPOINT = new Checkpoint(ORIGIN, 3, ROOT);

describe("a device's key", () => {
  it("can't be read out, and signs again after it was kept", async () => {
    const key = await SigningKey.generate("d_web1");
    expect(key.pair.privateKey.extractable).toBe(false);
    await expect(crypto.subtle.exportKey("pkcs8", key.pair.privateKey)).rejects.toThrow();
    const kept = await SigningKey.of("d_web1", structuredClone(key.pair));
    expect(kept.verifier.encode()).toBe(key.verifier.encode());
    // Ed25519 knows one signature for one text.
    expect(await kept.sign(ROOT)).toEqual(await key.sign(ROOT));
  });

  it("is written and read again", async () => {
    const { verifier } = await SigningKey.generate("d_web1");
    const read = VerifierKey.parse(verifier.encode());
    expect([read.name, read.kind, hex(read.public)]).toEqual([
      "d_web1",
      KeyKind.ED25519,
      hex(verifier.public),
    ]);
  });

  it.each([
    ["the identity", 1n],
    ["order 2", 2n ** 255n - 20n],
    ["order 4", 0n],
    ["order 8", 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n],
    ["the identity spelled again", 2n ** 255n - 18n],
    ["the identity with its sign bit set", 2n ** 255n + 1n],
  ])("is not weak: %s", async (_, y) => {
    const raw = sure(fromHex(y.toString(16).padStart(64, "0"))).reverse();
    expect(await codeOf(() => new VerifierKey("d", KeyKind.ED25519, raw))).toBe("malformed-note");
  });

  it("is of P-256 where the browser has no Ed25519, with a signature in its one spelling", async () => {
    const how = { name: "ECDSA", namedCurve: "P-256" };
    const pair = await crypto.subtle.generateKey(how, false, ["sign", "verify"]);
    const key = await SigningKey.of("d_old", pair);
    expect(VerifierKey.parse(key.verifier.encode()).kind).toBe(KeyKind.P256);
    // Often enough that both numbers are short, long, and with their first bit set.
    for (let at = 0; at < 200; at += 1) {
      const text = utf8(`text ${at}`);
      const signature = await key.sign(text);
      await key.verifier.verify(signature, text);
      expect(await codeOf(() => key.verifier.verify(signature, ROOT))).toBe("bad-signature");
    }
    const note = Note.parse(await signCheckpoint(CHECKPOINT, key));
    const opened = await openCheckpoint(note, { key: key.verifier, origin: ORIGIN });
    expect(opened.size).toBe(CHECKPOINT.size);
  });

  it("that is no point of the curve has signed nothing", async () => {
    // y = 2 has no x.
    const key = new VerifierKey("d", KeyKind.ED25519, Uint8Array.of(2, ...new Uint8Array(31)));
    expect(await codeOf(() => key.verify(new Uint8Array(64), ROOT))).toBe("bad-signature");
  });
});

describe("a checkpoint", () => {
  it("is signed, opened, and says what was signed", async () => {
    const key = await SigningKey.generate("d_web1");
    const note = Note.parse(await signCheckpoint(CHECKPOINT, key));
    onlySignedBy(note, [key.verifier]);
    expect(await openCheckpoint(note, { key: key.verifier, origin: ORIGIN })).toEqual(CHECKPOINT);
  });

  it("is refused with any one bit turned", async () => {
    const key = await SigningKey.generate("d_web1");
    const signed = await signCheckpoint(CHECKPOINT, key);
    for (let at = 0; at < signed.length; at += 1) {
      const code = await codeOf(async () => {
        const note = Note.parse(flipped(signed, at));
        onlySignedBy(note, [key.verifier]);
        return openCheckpoint(note, { key: key.verifier, origin: ORIGIN });
      });
      expect(["malformed-note", "bad-signature"], `byte ${at}`).toContain(code);
    }
  });

  it("of another log or by another key is refused", async () => {
    const [key, other] = [await SigningKey.generate("d_web1"), await SigningKey.generate("d_web1")];
    const note = Note.parse(await signCheckpoint(CHECKPOINT, key));
    const asked = { key: key.verifier, origin: `${ORIGIN}x` };
    expect(await codeOf(() => openCheckpoint(note, asked))).toBe("wrong-origin");
    const stranger = { key: other.verifier, origin: ORIGIN };
    expect(await codeOf(() => openCheckpoint(note, stranger))).toBe("bad-signature");
    expect(await codeOf(() => onlySignedBy(note, [other.verifier]))).toBe("bad-signature");
    expect(await codeOf(() => onlySignedBy(note, []))).toBe("bad-signature");
  });

  it("is a fork of one of the same size and another root, and of no other", () => {
    expect(isFork(CHECKPOINT, new Checkpoint(ORIGIN, 3, new Uint8Array(32)))).toBe(true);
    expect(isFork(CHECKPOINT, new Checkpoint(ORIGIN, 4, new Uint8Array(32)))).toBe(false);
    expect(isFork(CHECKPOINT, new Checkpoint(`${ORIGIN}x`, 3, new Uint8Array(32)))).toBe(false);
    expect(isFork(CHECKPOINT, CHECKPOINT)).toBe(false);
  });
});

describe("a cosignature", () => {
  async function cosigned(at_s: bigint): Promise<[Note, VerifierKey]> {
    // A server in miniature: the twin itself never cosigns.
    const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    const key = new VerifierKey("proctor.example", KeyKind.COSIGNATURE, raw);
    const text = CHECKPOINT.text();
    const timed: Bytes = utf8(`cosignature/v1\ntime ${at_s}\n${text}`);
    const made = new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, timed));
    const time = sure(fromHex(at_s.toString(16).padStart(16, "0")));
    const line = { name: key.name, keyId: key.keyId, signature: concat([time, made]) };
    return [Note.parse(new Note(text, [line]).encode()), key];
  }

  it.each([0n, 1795284060n, 2n ** 63n - 1n])("bears its time to the second: %s", async (at_s) => {
    expect(await openCosignature(...(await cosigned(at_s)))).toBe(at_s);
  });

  it("is no device's signature, nor the other way round", async () => {
    const [note, key] = await cosigned(1n);
    const asked = { key, origin: ORIGIN };
    expect(await codeOf(() => openCheckpoint(note, asked))).toBe("bad-signature");
    const device = await SigningKey.generate("d_web1");
    const signed = Note.parse(await signCheckpoint(CHECKPOINT, device));
    expect(await codeOf(() => openCosignature(signed, device.verifier))).toBe("bad-signature");
  });
});

describe("base64", () => {
  it("has one spelling for each value", () => {
    const roll = dice(5);
    for (let round = 0; round < 200; round += 1) {
      const bytes = Uint8Array.from({ length: roll(50) }, () => roll(256));
      expect(fromBase64(base64(bytes))).toEqual(bytes);
      expect(base64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
    }
    for (const text of ["AA", "AB==", "AA==\n", " AA==", "A", "AA=", "-_==", "AAA=A"]) {
      expect(fromBase64(text), text).toBeNull();
    }
  });
});
