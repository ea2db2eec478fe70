/** Fetches a bundle and verifies it, away from the page: reading must never wait for it. */

import type { Bytes } from "../evidence/bytes";
import { VerifierKey } from "../evidence/key";
import { STEPS } from "../evidence/steps";
import { verify } from "../evidence/verify";
import type { Asked, Badge } from "./evidence-badge";

/** How often the page is told how far it is. */
const TELL_EVERY_MS = 100;

interface Line {
  postMessage(badge: Badge): void;
  addEventListener(type: "message", hear: (event: MessageEvent<Asked>) => void): void;
}

// The DOM's types know no worker's own scope.
const page = self as unknown as Line;

page.addEventListener("message", ({ data }) => {
  void answer(data).then((badge) => page.postMessage(badge));
});

async function answer({ url, keysUrl }: Asked): Promise<Badge> {
  const began = performance.now();
  let bundle: Bytes;
  let keys: VerifierKey[];
  try {
    [bundle, keys] = await Promise.all([fetched(url), published(keysUrl)]);
  } catch {
    return { is: "unavailable", because: "unreachable" };
  }
  const of = STEPS.length;
  let told = -1;
  try {
    // The key comes from where the server publishes it, not from the bundle that it sealed.
    const report = await verify(bundle, {
      serverKey: keys[0] ?? null,
      onProgress: ({ step }) => {
        if (step === told) return;
        told = step;
        page.postMessage({ is: "verifying", step, of });
      },
    });
    const took_ms = performance.now() - began;
    return { is: report.holds ? "verified" : "refuted", report, took_ms };
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotSupportedError")
      return { is: "unavailable", because: "no-ed25519" };
    throw error;
  }
}

async function fetched(url: string): Promise<Bytes> {
  const answer = await fetch(url, { credentials: "same-origin", cache: "no-store" });
  if (!answer.ok || answer.body === null) throw new Error(String(answer.status));
  const length = Number(answer.headers.get("Content-Length") ?? 0);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  let next_ms = 0;
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    bytes += value.length;
    if (performance.now() < next_ms) continue;
    next_ms = performance.now() + TELL_EVERY_MS;
    page.postMessage({ is: "fetching", bytes, share: length > 0 ? Math.min(1, bytes / length) : null });
  }
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function published(url: string): Promise<VerifierKey[]> {
  const answer = await fetch(url, { cache: "no-store" });
  if (!answer.ok) throw new Error(String(answer.status));
  const { keys } = (await answer.json()) as { keys: string[] };
  return keys.map((key) => VerifierKey.parse(key));
}
