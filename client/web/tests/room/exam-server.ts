/**
 * A small exam server in memory that speaks the wire contract, and fails on demand.
 *
 * It keeps what it accepts and believes nothing that the evidence modules do not verify, so that a
 * test can compare what arrived with what was recorded, byte for byte. The twin of
 * `tests/client/exam_server.py`.
 */

import { Unreachable } from "../../src/api";
import { checkNamed, openRecords, split, type Batch } from "../../src/evidence/batch";
import { concat, fromBase64, fromUtf8, hex, utf8, type Bytes } from "../../src/evidence/bytes";
import { EvidenceError } from "../../src/evidence/errors";
import { KeyKind, VerifierKey } from "../../src/evidence/key";
import { Note, onlySignedBy, openCheckpoint, originOf } from "../../src/evidence/note";
import { parse, type RecordLine } from "../../src/evidence/record";
import { Frontier } from "../../src/evidence/tree";
import type { Link, Net } from "../../src/room/learner-api";
import { plain } from "../evidence/made";

export const TOKEN = "t".repeat(43);
export const SESSION = "s_7Q2M";
export const NAME = "proctor.example";
export const EXAM = "sds-2026";
export const POLICY_SHA256 = "ab".repeat(32);
const HELD = 256;

/** What goes wrong with the next batch. */
export type Fault =
  | "none"
  | "lost-request" // cut before anything is stored
  | "answered-later" // stored, and answered by the receipt of the next
  | "lost-answer" // stored, and cut before the receipt
  | "resume" // told that it starts elsewhere
  | "storage-full"
  | "lost-blobs" // records kept, blobs not
  | "closed" // the session is over
  | "refused" // for good
  | "superseded" // by another connection
  | "silent"; // taken off the line, and nothing more is heard

export class ExamServer {
  static async start(): Promise<ExamServer> {
    const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    return new ExamServer(pair, await cosigner(pair));
  }

  readonly faults: Fault[] = [];
  readonly lines: Bytes[] = [];
  readonly frontiers = [new Frontier()];
  readonly blobs = new Map<string, Bytes>();
  readonly sizes = new Map<string, number>();
  readonly batches: Batch[] = [];
  readonly asked: string[] = [];
  device: VerifierKey | null = null;
  key: VerifierKey;
  pair: CryptoKeyPair;
  state = "invited";
  away = false;
  deviceToken = "secret 0";
  serverLog = { size: 3, root: "cd".repeat(32) };
  /** The server's clock less the device's. */
  aheadMs = 0;
  joins = 0;
  /** What joining is refused with. */
  refuses: string | null = null;
  readonly links = new Set<Line>();
  readonly sections = ["a", "b"].map((id) => ({ id, title: `Part ${id}`, state: "planned" }));

  private constructor(pair: CryptoKeyPair, key: VerifierKey) {
    this.pair = pair;
    this.key = key;
  }

  readonly net: Net = {
    fetch: (path, init) => this.#fetch(String(path), init ?? {}),
    connect: (_path, protocols) => this.#connect(protocols),
  };

  get origin(): string {
    const device = this.device?.name ?? "";
    return originOf({ server: NAME, exam: EXAM, session: SESSION, device });
  }

  records(kind?: string): RecordLine[] {
    return this.lines.map(parse).filter((record) => kind === undefined || record.kind === kind);
  }

  answers(): Record<string, unknown> {
    const given = this.records("answer").map(({ facts }) => [
      facts.get("item"),
      plain(facts.get("response")!),
    ]);
    return Object.fromEntries(given);
  }

  owed(): string[] {
    return [...this.sizes.keys()].filter((digest) => !this.blobs.has(digest)).sort();
  }

  view(): Record<string, unknown> {
    return {
      session: SESSION,
      exam: EXAM,
      state: this.state,
      id_check: { state: "awaited", reason: "" },
      sections: this.sections.map((section) => ({ ...section, limit_s: 600 })),
      ledger: [],
      verdict: null,
      now_ms: this.nowMs(),
    };
  }

  nowMs(): number {
    return Date.now() + this.aheadMs;
  }

  /** Tells every device that something changed. */
  push(): void {
    for (const line of this.links) {
      line.tell({ type: "session", session: this.view(), server_log: this.serverLog });
    }
  }

  /** Cuts every connection, as a network does. */
  cut(): void {
    for (const line of this.links) line.close();
  }

  // --- HTTP --------------------------------------------------------------------------------

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    await Promise.resolve();
    if (this.away) throw new TypeError("no network");
    const [method, body] = [init.method, JSON.parse(String(init.body ?? "null"))];
    this.asked.push(`${method} ${path}`);
    if (path === "/api/v1/join") return this.#join(body);
    if (path === "/api/v1/join/ask") return Response.json({ now_ms: this.nowMs() });
    const { authorization } = Object.fromEntries(new Headers(init.headers));
    if (authorization !== `Bearer ${this.deviceToken}`) return problem("login-needed", 401);
    const [, name, verb] = /\/sections\/(\w+)(?:\/(\w+))?$/.exec(path) ?? [];
    const section = this.sections.find(({ id }) => id === name);
    if (section !== undefined) {
      if (verb === "close") section.state = "closed";
      if (verb === "close") return Response.json(this.view());
      if (verb === "open" && section.state === "planned") section.state = "open";
      if (section.state !== "open") return problem("section-closed", 403);
      this.state = "running";
      const items = [{ id: `${name}1`, kind: "fill-in", points: 1, text: "?" }];
      return Response.json({ section: name, title: section.title, items, session: this.view() });
    }
    if (path.includes("/images/")) {
      if (!path.endsWith("ab")) return problem("not-found", 404);
      return new Response("an image", { headers: { "Content-Type": "image/png" } });
    }
    if (path.endsWith("/check-in")) {
      const have = this.records("snapshot").map(({ facts }) => facts.get("purpose"));
      const missing = ["document", "face"].filter((each) => !have.includes(each));
      if (missing.length > 0) return problem("check-in-incomplete", 409, { missing });
      this.state = "ready";
    }
    if (path.endsWith("/submit")) {
      if (this.records("submission").length === 0) return problem("submission-missing", 409);
      this.state = "submitted";
    }
    return Response.json(this.view());
  }

  async #join(asked: Record<string, string>): Promise<Response> {
    if (this.refuses !== null) return problem(this.refuses, 409);
    const key = VerifierKey.parse(asked["key"] ?? "");
    const proof = fromBase64(asked["proof"] ?? "") ?? new Uint8Array();
    await key.verify(proof, utf8(`proctor-join/v1\n${asked["token"]}\n${asked["key"]}`));
    if (asked["token"] !== TOKEN || (this.device !== null && this.device.name !== key.name)) {
      return problem("join-link-used", 409);
    }
    this.device = key;
    this.joins += 1;
    this.deviceToken = `secret ${this.joins}`;
    return Response.json({
      session: SESSION,
      device: key.name,
      device_token: this.deviceToken,
      origin: this.origin,
      server_keys: [this.key.encode()],
      exam: { id: EXAM, title: "Exam", sections: this.sections, in_order: true },
      policy_sha256: POLICY_SHA256,
      policy: {},
      notice: [{ heading: "You may use", lines: ["a pen"] }],
      capture: { snapshot_every_s: 10, width: 640, height: 480, jpeg_quality: 80 },
      now_ms: this.nowMs(),
    });
  }

  // --- the uplink --------------------------------------------------------------------------

  async #connect(protocols: readonly string[]): Promise<Link> {
    await Promise.resolve();
    if (this.away || protocols[1] !== `proctor-token.${this.deviceToken}`) throw new Unreachable();
    const line = new Line((message) => this.#batch(line, message));
    this.links.add(line);
    line.tell({
      type: "welcome",
      size: this.lines.length,
      root: hex((this.frontiers.at(-1) as Frontier).root()),
      owed: this.owed().slice(0, HELD),
      server_log: this.serverLog,
      session: SESSION,
      state: this.state,
      now_ms: this.nowMs(),
    });
    return line;
  }

  async #batch(line: Line, message: Bytes): Promise<void> {
    const fault = this.faults.shift() ?? "none";
    const batch = await split(message);
    switch (fault) {
      case "lost-request":
        return line.close();
      case "storage-full":
        return line.tell(refusal("storage-full", 507));
      case "closed":
        return line.tell(refusal("session-closed", 403));
      case "superseded":
        line.tell(refusal("superseded", 409));
        return line.close();
      case "refused":
        return line.tell(refusal("false-claim", 409));
      case "resume":
        return line.tell(this.#resume());
      case "silent":
        return;
    }
    let answer: Record<string, unknown>;
    try {
      answer = await this.#accept(batch, fault !== "lost-blobs");
    } catch (error) {
      if (!(error instanceof EvidenceError)) throw error;
      answer = refusal(error.code, 422);
    }
    if (fault === "lost-answer") return line.close();
    if (fault !== "answered-later") line.tell(answer);
  }

  #resume(): Record<string, unknown> {
    const root = hex((this.frontiers.at(-1) as Frontier).root());
    return { type: "resume", size: this.lines.length, root };
  }

  async #accept(batch: Batch, keepBlobs: boolean): Promise<Record<string, unknown>> {
    const { note, blobs, lines } = batch;
    const key = this.device as VerifierKey;
    if (note === null) {
      checkNamed(blobs, this.sizes);
      for (const { sha256, bytes } of blobs) this.blobs.set(sha256, bytes);
      this.batches.push(batch);
      return { type: "held", sha256: blobs.map(({ sha256 }) => sha256) };
    }
    const { origin } = this;
    const signed = await openCheckpoint(note, { key, origin });
    if (signed.size - lines.length !== this.lines.length) return this.#resume();
    const before = this.frontiers.at(-1) as Frontier;
    const log = { session: SESSION, device: key.name, origin, key };
    const { records, frontier } = await openRecords({ ...batch, note }, before, log);
    const sizes = new Map(records.flatMap(({ blob }) => (blob ? [[blob.sha256, blob.size]] : [])));
    checkNamed(blobs, sizes);
    this.lines.push(...lines.map((line) => line.slice()));
    this.frontiers.push(frontier);
    for (const [digest, size] of sizes) this.sizes.set(digest, size);
    if (keepBlobs) for (const { sha256, bytes } of blobs) this.blobs.set(sha256, bytes);
    this.batches.push(batch);
    return {
      type: "receipt",
      note: fromUtf8(await this.#cosigned(note)),
      size: frontier.size,
      owed: this.owed().slice(0, HELD),
      server_log: this.serverLog,
    };
  }

  async #cosigned(note: Note): Promise<Bytes> {
    const atS = Math.floor(this.nowMs() / 1000);
    const timed = utf8(`cosignature/v1\ntime ${atS}\n${note.text}`);
    const raw = new Uint8Array(await crypto.subtle.sign("Ed25519", this.pair.privateKey, timed));
    const time = new Uint8Array(8);
    new DataView(time.buffer).setBigUint64(0, BigInt(atS));
    const { name, keyId } = await cosigner(this.pair);
    const line = { name, keyId, signature: concat([time, raw]) };
    return new Note(note.text, [...note.signatures, line]).encode();
  }

  /** Whether a receipt as it is shown is both sides' word on all that arrived. */
  async verifies(receipt: string): Promise<number> {
    const note = Note.parse(utf8(receipt));
    const key = this.device as VerifierKey;
    onlySignedBy(note, [key, this.key]);
    return (await openCheckpoint(note, { key, origin: this.origin })).size;
  }
}

/** One connection, in memory. */
class Line implements Link {
  unsentBytes = 0;
  readonly #take: (message: Bytes) => Promise<void>;
  readonly #heard: (string | null)[] = [];
  #waiting: ((message: string | null) => void) | null = null;
  #work: Promise<void> = Promise.resolve();
  #over = false;

  constructor(take: (message: Bytes) => Promise<void>) {
    this.#take = take;
  }

  send(message: Bytes): void {
    this.#work = this.#work.then(() => (this.#over ? undefined : this.#take(message)));
  }

  next(): Promise<string | null> {
    const first = this.#heard.shift();
    if (first !== undefined) return Promise.resolve(first);
    if (this.#over) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  close(): void {
    this.#hear(null);
    this.#over = true;
  }

  tell(message: Record<string, unknown>): void {
    this.#hear(JSON.stringify(message));
  }

  #hear(message: string | null): void {
    if (this.#over) return;
    if (this.#waiting === null) this.#heard.push(message);
    else this.#waiting(message);
    this.#waiting = null;
  }
}

async function cosigner({ publicKey }: CryptoKeyPair): Promise<VerifierKey> {
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
  return new VerifierKey(NAME, KeyKind.COSIGNATURE, raw);
}

function told(code: string, status: number, facts: Record<string, unknown> = {}) {
  const type = `urn:proctor:problem:${code}`;
  return { type, title: code, status, detail: code, ...facts };
}

function refusal(code: string, status: number): Record<string, unknown> {
  return { type: "problem", problem: told(code, status) };
}

function problem(code: string, status: number, facts: Record<string, unknown> = {}): Response {
  return Response.json(told(code, status, facts), { status });
}
