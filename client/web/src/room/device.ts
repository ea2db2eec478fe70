/**
 * The learner's device: one log, kept in this browser, brought to the server, and what is known of
 * the session. Everything a page of the room does goes through it.
 */

import { signal, type ReadonlySignal } from "@preact/signals";
import { ProblemError, Unreachable } from "../api";
import { fromUtf8 } from "../evidence/bytes";
import type { DeviceKind } from "../evidence/record";
import { ServerClock } from "./clock";
import {
  Backoff,
  BROWSER_NET,
  CLIENT,
  DEVICE_KIND,
  mayPass,
  type Joined,
  type LearnerView,
  type Net,
  type OpenSection,
} from "./learner-api";
import type { Memory } from "./memory";
import { linkTo, opening, VIEW, type Parts } from "./opening";
import { Recorder, type Blob_, type Facts, type Written } from "./recorder";
import { OtherTab, StorageFull } from "./spool";
import { hintsOf, systemReport } from "./system";
import { DeviceStopped, Uplink, type Ended } from "./uplink";
import { viewOf, type ServerLog } from "./wire";

export { ServerClock } from "./clock";
export { NoCrypto } from "./keys";
export type { Item, ItemKind, Joined, LearnerView, OpenSection, Section } from "./learner-api";
export type { Answered, Memory } from "./memory";
export type { Blob_, Facts, Written } from "./recorder";
export { NoStorage, OtherTab, SpoolDamaged, StorageFull } from "./spool";
export { DeviceStopped } from "./uplink";

/**
 * What keeps the log from arriving. Only "storage-full" passes by itself.
 *
 * other-tab: another tab took over. superseded: another browser is connected with this very key.
 * storage-full: the last record could not be saved. history-differs: the server holds other
 * records. receipt-refused: a receipt is not the server's. session-over: the server takes nothing
 * more. token-ended: another computer goes on with this session. refused: the server refuses a
 * batch for good.
 */
export type Trouble = Exclude<Ended, "closed"> | "storage-full";

/** What the status line says. */
export interface Line {
  readonly connected: boolean;
  /** Server time at which `connected` became what it is. */
  readonly since_ms: number;
  /** Records that are durable here. */
  readonly written: number;
  /** Of them, covered by a receipt. */
  readonly received: number;
  /** Pictures and files that the server is not known to hold. */
  readonly blobs_waiting: number;
  /** Server time of the last receipt. */
  readonly received_at_ms: number | null;
  readonly trouble: Trouble | null;
  /** The server answers, and can't store what comes. */
  readonly server_full: boolean;
}

export interface ReceiptShown {
  /** The cosigned checkpoint: to be shown, kept and downloaded as it is. */
  readonly text: string;
  readonly size: number;
  /** Server time that it states. */
  readonly at_ms: number;
}

const TICK_MS = 1000;
/** A line that is silent for so long is asked whether it lives. */
const PROBE_MS = 20_000;

/** It was not wanted any more before the server was asked for it (again). */
export class CalledOff extends Error {
  override readonly name = "CalledOff";
}

/** Whether a command goes out. */
export interface Going {
  /** Asked before each try; once false, the command is given up. */
  readonly wanted: () => boolean;
  /** Told before each try that it goes out now. */
  readonly left?: () => void;
}

const ALWAYS: Going = { wanted: () => true };

export class Device {
  readonly joined: Joined;
  readonly clock: ServerClock;
  readonly memory: Memory;
  /** As GET /api/v1/session; kept by pushes, kept for offline. */
  readonly view: ReadonlySignal<LearnerView>;
  readonly line: ReadonlySignal<Line>;
  readonly #view;
  readonly #line;
  readonly #parts: Parts;
  readonly #recorder: Recorder;
  readonly #uplink: Uplink;
  readonly #stop = new AbortController();
  #full = false;
  #probing = false;
  /** Counts the views that were taken in. */
  #views = 0;
  /** Size of the server's log in the last push of this connection. */
  #pushedSize = 0;

  private constructor(parts: Parts) {
    const { api, clock, key, joined, spool, memory } = parts;
    this.#parts = parts;
    this.joined = joined;
    this.clock = clock;
    this.memory = memory;
    this.#recorder = new Recorder(
      spool,
      () => clock.deviceMs(),
      (kind, facts, written) => this.#written(kind, facts, written),
    );
    this.#uplink = new Uplink({
      recorder: this.#recorder,
      key,
      origin: joined.origin,
      serverKeys: joined.server_keys,
      clock,
      backoff: new Backoff(),
      connect: () => api.connect(),
      onSession: (view, serverLog) => {
        clock.heard(view.now_ms);
        this.#pushed(view, serverLog);
      },
      onContact: () => {
        this.#pushedSize = 0;
        void this.refresh().catch(() => {});
      },
      onChange: () => this.#tell(),
    });
    this.#uplink.receivedAtMs = parts.receiptAtMs;
    this.#uplink.resting = memory.submitted;
    this.#view = signal(parts.view);
    this.view = this.#view;
    this.#line = signal(this.#lineNow());
    this.line = this.#line;
  }

  /**
   * Joins with a link's token, or opens what was joined with it before, offline too.
   *
   * Throws ProblemError; Unreachable, if the server was never reached before; NoStorage; NoCrypto;
   * OtherTab, unless it is to `steal` the session from the tab that has it; SpoolDamaged. `net` is
   * for tests.
   */
  static async open(
    token: string,
    { steal = false }: { steal?: boolean } = {},
    net: Net = BROWSER_NET,
  ): Promise<Device> {
    const robbed: { tell: (() => void) | null } = { tell: null };
    const device = new Device(await opening(token, steal, net, () => robbed.tell?.()));
    robbed.tell = () => device.#end("other-tab");
    device.#start();
    return device;
  }

  /**
   * After ProblemError `join-link-used`: asks to go on here instead. Then `open` again, and again,
   * until someone has decided. Throws as `open`.
   */
  static async ask(token: string, net: Net = BROWSER_NET): Promise<void> {
    const { database, api } = await linkTo(token, new ServerClock(), net);
    database.close();
    await api.askToJoin();
  }

  /** Signs that the rules are accepted: writes the `hello`, once. Throws as `write`. */
  async accept(): Promise<void> {
    if (this.memory.hello) return;
    await this.write("hello", {
      key: this.#parts.key.verifier.encode(),
      client: CLIENT,
      policy_sha256: this.joined.policy_sha256,
      system: { ...systemReport(await hintsOf(navigator)) },
      device_kind: this.joined.device_kind ?? DEVICE_KIND,
    });
  }

  /**
   * Adds a record to the log; resolves once it is durable in this browser.
   *
   * Throws StorageFull, DeviceStopped, MalformedRecord (an answer over 64 KiB): nothing was
   * recorded.
   */
  async write(kind: DeviceKind, facts: Facts, blob?: Blob_): Promise<Written> {
    this.#goOn();
    try {
      return await this.#recorder.write(kind, facts, blob);
    } catch (error) {
      if (error instanceof OtherTab) this.#end("other-tab");
      this.#goOn();
      if (error instanceof StorageFull && error.of === "disk") {
        this.#full = true;
        this.#tell();
      }
      throw error;
    }
  }

  /**
   * Resolves once a receipt covers that many records and the server holds their blobs. Throws
   * DeviceStopped: it never will.
   */
  received(size: number): Promise<void> {
    return this.#uplink.received(size);
  }

  /**
   * Checks in, once all that is written is received. Like the commands below, it is repeated until
   * the server has answered, however long that takes. Throws ProblemError, DeviceStopped.
   */
  async checkIn(): Promise<LearnerView> {
    await this.received(this.#parts.spool.size);
    return viewOf(await this.#command("/session/check-in", viewOf));
  }

  /** Opens a section, or looks at it again. */
  async openSection(id: string): Promise<OpenSection> {
    const path = `/session/sections/${encodeURIComponent(id)}/open`;
    return (await this.#command(path, sessionIn)) as OpenSection;
  }

  /** Looks at a section that is open; asks once. Throws ProblemError, Unreachable. */
  async section(id: string): Promise<OpenSection> {
    const path = `/session/sections/${encodeURIComponent(id)}`;
    return (await this.#asked(() => this.#parts.api.ask("GET", path), sessionIn)) as OpenSection;
  }

  /**
   * Hands a section in, once all records are received: what arrives after that would be late.
   * Throws CalledOff too.
   */
  async closeSection(id: string, going: Going = ALWAYS): Promise<LearnerView> {
    await this.#uplink.received(this.#parts.spool.size, { blobs: false });
    const path = `/session/sections/${encodeURIComponent(id)}/close`;
    return viewOf(await this.#command(path, viewOf, going));
  }

  /**
   * Hands everything in: writes the `submission`, if that is not done yet, and waits until all is
   * received. The capture should be stopped before. Throws as `write` too.
   */
  async submit(): Promise<LearnerView> {
    if (!this.memory.submitted) {
      const answers = [...this.memory.answers]
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([item, { seq, sha256 }]) => ({ item, seq, sha256 }));
      await this.write("submission", { answers });
    }
    this.#uplink.resting = true;
    await this.received(this.#parts.spool.size);
    return viewOf(await this.#command("/session/submit", viewOf));
  }

  /** Asks once where the session stands. Throws ProblemError, Unreachable, DeviceStopped. */
  async refresh(): Promise<LearnerView> {
    const ask = () => this.#whileOpen(() => this.#parts.api.view());
    const view = await this.#asked(ask, (told) => told);
    this.#uplink.alive();
    return view;
  }

  /** Says whether another computer may go on with this session; asks once. Throws as `refresh`. */
  async decide(device: string, decision: "admit" | "refuse"): Promise<LearnerView> {
    const path = `/session/devices/${encodeURIComponent(device)}`;
    return viewOf(await this.#asked(() => this.#parts.api.ask("POST", path, { decision }), viewOf));
  }

  /** The address that makes a phone the second camera, in the place of any before; asks once. */
  async secondCamera(): Promise<string> {
    const told = await this.#parts.api.ask("POST", "/session/second-camera");
    const { join_token } = (told ?? {}) as { join_token?: unknown };
    // Where this browser reaches the server the phone does too, whatever a proxy makes of it.
    return new URL(`/join/${String(join_token)}`, location.href).href;
  }

  /** How the session's review stands, as GET /api/v1/session/outcome; asks once. */
  outcome(): Promise<unknown> {
    return this.#parts.api.ask("GET", "/session/outcome");
  }

  /**
   * What there is to read of a session once it has ended, at /api/v1/session/…; or, with a body,
   * what is said to it. Asks once. Throws ProblemError, Unreachable.
   */
  after(path: string, body?: unknown, patienceMs?: number): Promise<unknown> {
    const method = body === undefined ? "GET" : "POST";
    return this.#parts.api.ask(method, `/session/${path}`, body, patienceMs);
  }

  /** A file of it: as `after`. */
  afterFile(path: string, patienceMs?: number): Promise<Blob> {
    return this.#parts.api.file(`/session/${path}`, patienceMs);
  }

  /** What the server saw in the pictures of a rehearsal; asks once. Throws as `refresh`. */
  rehearsal(): Promise<unknown> {
    return this.#parts.api.ask("GET", "/session/rehearsal");
  }

  /** The answers that count, from whichever device they came; asks once. Throws as `refresh`. */
  answers(): Promise<unknown> {
    return this.#whileOpen(() => this.#parts.api.ask("GET", "/session/answers"));
  }

  /** An image of an item, by its digest; asks once. */
  image(sha256: string): Promise<Blob> {
    return this.#parts.api.file(`/session/images/${encodeURIComponent(sha256)}`);
  }

  /**
   * Keeps a small note beside the log: marks for later, a hidden timer, the items of an open
   * section. `value` is anything that IndexedDB can hold. Throws StorageFull, DeviceStopped.
   */
  keep(name: string, value: unknown): Promise<void> {
    return this.#whileOpen(() => this.#parts.spool.keep(`page ${name}`, value));
  }

  /** What was kept last under this name; undefined if nothing was. Throws DeviceStopped. */
  kept(name: string): Promise<unknown> {
    return this.#whileOpen(() => this.#parts.spool.kept(`page ${name}`));
  }

  /** The server's last word on this log; null before the first. */
  receipt(): ReceiptShown | null {
    const { receipt, received } = this.#parts.spool;
    const at_ms = this.#uplink.receivedAtMs;
    if (receipt === null || at_ms === null) return null;
    return { text: fromUtf8(receipt) ?? "", size: received, at_ms };
  }

  /** What the server said when it refused for good: behind `refused` and `token-ended`. */
  get problem(): ProblemError | null {
    return this.#uplink.problem;
  }

  /** Stops, and lets another tab have the session. */
  close(): void {
    this.#end("closed");
  }

  // --- what goes on beside ------------------------------------------------------------------

  #start(): void {
    const { signal: stopped } = this.#stop;
    const timer = setInterval(() => this.#tick(), TICK_MS);
    stopped.addEventListener("abort", () => clearInterval(timer));
    if (typeof window !== "undefined") {
      window.addEventListener("online", () => this.#uplink.hurry(), { signal: stopped });
      // Else a dead connection would be noticed only by its silence.
      window.addEventListener("offline", () => this.#uplink.cut(), { signal: stopped });
      document.addEventListener("visibilitychange", () => this.#tick(), { signal: stopped });
    }
    void this.#uplink.run();
  }

  /** Where the log only can't be sent, the room still writes; after this it must not. */
  #end(why: "closed" | "other-tab"): void {
    if (this.#stop.signal.aborted) return;
    this.#uplink.end(why);
    this.#stop.abort();
    this.#parts.release();
    this.#parts.database.close();
  }

  #goOn(): void {
    if (this.#stop.signal.aborted) throw new DeviceStopped(this.#uplink.ended ?? "closed");
  }

  /** Another tab may take the session, and the database with it, in the middle of anything. */
  async #whileOpen<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    this.#goOn();
    try {
      return await work();
    } catch (error) {
      this.#goOn();
      throw error;
    }
  }

  #tick(): void {
    if (this.clock.slept() !== 0) {
      this.#uplink.cut();
      this.#uplink.hurry();
    }
    this.#uplink.tick();
    if (this.#uplink.silentMs > PROBE_MS && !this.#probing) void this.#probe();
  }

  /** A browser does not tell a page of the pings it answers, nor of a network that vanished. */
  async #probe(): Promise<void> {
    this.#probing = true;
    try {
      await this.refresh();
    } catch (error) {
      if (error instanceof Unreachable) this.#uplink.cut();
    } finally {
      this.#probing = false;
    }
  }

  async #command(
    path: string,
    viewIn: (told: unknown) => LearnerView,
    { wanted, left }: Going = ALWAYS,
  ): Promise<unknown> {
    const backoff = new Backoff();
    for (;;) {
      this.#goOn();
      if (!wanted()) throw new CalledOff();
      left?.();
      try {
        return await this.#asked(() => this.#parts.api.ask("POST", path), viewIn);
      } catch (error) {
        const passes = error instanceof ProblemError && mayPass(error);
        if (!passes && !(error instanceof Unreachable)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, backoff.nextMs()));
    }
  }

  /** Asks once, and takes in what is told of the session. */
  async #asked<Told>(ask: () => Promise<Told>, viewIn: (told: Told) => LearnerView): Promise<Told> {
    const before = this.#views;
    const told = await ask();
    const view = viewIn(told);
    // Only an answer that something else overtook can be the older one. Else it is believed
    // whatever time it states: a server's clock may step back.
    if (this.#views === before || !this.#isOlder(view)) this.#see(view);
    return told;
  }

  #pushed(view: LearnerView, serverLog: ServerLog | null): void {
    const older = serverLog === null ? this.#isOlder(view) : serverLog.size < this.#pushedSize;
    if (older) return;
    if (serverLog !== null) this.#pushedSize = serverLog.size;
    this.#see(view);
  }

  #isOlder(view: LearnerView): boolean {
    return view.now_ms < this.#view.peek().now_ms;
  }

  #see(view: LearnerView): void {
    this.#views += 1;
    this.#view.value = view;
    this.#parts.spool.keep(VIEW, view).catch(() => {});
  }

  #written(kind: DeviceKind, facts: Facts, written: Written): void {
    this.memory.take(kind, facts, written);
    this.#full = false;
    this.#uplink.wake();
    this.#tell();
  }

  #tell(): void {
    const now = this.#lineNow();
    const before = this.#line.peek();
    const keys = Object.keys(now) as (keyof Line)[];
    if (keys.some((key) => now[key] !== before[key])) this.#line.value = now;
  }

  #lineNow(): Line {
    const { spool } = this.#parts;
    const { connected, sinceMs, receivedAtMs, ended, serverFull } = this.#uplink;
    return {
      connected,
      since_ms: sinceMs,
      written: spool.size,
      received: spool.received,
      blobs_waiting: spool.waiting,
      received_at_ms: receivedAtMs,
      trouble: ended !== null && ended !== "closed" ? ended : this.#full ? "storage-full" : null,
      server_full: serverFull,
    };
  }
}

function sessionIn(told: unknown): LearnerView {
  return (told as OpenSection).session;
}
