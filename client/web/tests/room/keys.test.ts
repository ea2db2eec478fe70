import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { deviceName, linked, linkOf, NoCrypto } from "../../src/room/keys";
import { openDatabase } from "../../src/room/spool";

beforeEach(() => void vi.stubGlobal("indexedDB", new IDBFactory()));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

test("a link's name does not tell its token, and two links have two", async () => {
  const [one, other] = [await linkOf("one"), await linkOf("other")];
  expect(one).toMatch(/^[0-9a-f]{64}$/);
  expect(one).not.toBe(other);
});

test("two tabs that open a link at once come to one key, which no script can read", async () => {
  const [here, there] = [await openDatabase(), await openDatabase()];
  const [one, other] = await Promise.all([linked(here, "l"), linked(there, "l")]);
  expect(one.device).toMatch(/^d_web[a-z0-9]{8}$/);
  expect(other.device).toBe(one.device);
  expect(one.pair.privateKey.extractable).toBe(false);
  const [first, second] = await Promise.all(
    [one, other].map(({ pair }) => crypto.subtle.exportKey("raw", pair.publicKey)),
  );
  expect(first).toEqual(second);
  expect((await linked(here, "another")).device).not.toBe(one.device);
});

test("every letter of a device's name is as likely as any other", () => {
  expect(deviceName(Uint8Array.of(0, 1, 25, 26, 35, 36, 71, 251))).toBe("d_webabz09a99");
  // 252 and more would make the first letters likelier.
  expect(deviceName(Uint8Array.of(255, 252, ...Array(9).fill(1)))).toBe("d_webbbbbbbbb");
});

test("a browser without Ed25519 is told from one that works", async () => {
  const database = await openDatabase();
  vi.spyOn(crypto.subtle, "generateKey").mockRejectedValue(
    new DOMException("none", "NotSupportedError"),
  );
  await expect(linked(database, "l")).rejects.toThrow(NoCrypto);
});
