/** Snapshots on the policy's schedule; and where there is none, a record that says why. */

import type { ReadonlySignal } from "@preact/signals";
import type { SessionView } from "../api";
import type { Writable } from "../evidence/json";
import type { CameraState } from "./camera";
import { DeviceStopped, StorageFull, type Device } from "./device";
import { CameraGone, type Size, type Still } from "./still";

/** A camera, as far as capture needs one. */
export interface Stills {
  readonly state: ReadonlySignal<CameraState>;
  still(size: Size): Promise<Still>;
  every(ms: number, tick: () => void): () => void;
}

/** A device, as far as capture needs one. */
export type Log = Pick<Device, "joined" | "write" | "keep" | "kept"> & {
  readonly view: ReadonlySignal<SessionView>;
  readonly clock: Pick<Device["clock"], "nowMs" | "deviceMs" | "steadyMs">;
};

/** Why there is no snapshot. */
type Cause = "camera" | "spool-full" | "disk-full" | "suspended" | "client-stopped";

interface Outage {
  readonly cause: Cause;
  /** What is before it stands in a gap record already. */
  fromMs: number;
}

// Often enough that a snapshot is late by a tenth of the usual period only.
const BEAT_MS = 1000;
// A shorter sleep of the page or the computer misses no snapshot.
const SUSPENDED_MS = 5000;
// What a camera needs to open after a reload; longer than that somebody else decides.
const OPENING_MS = 5000;
/** The note beside the log: which section was captured last, and when. */
const NOTE = "captured";

/** The section that is being worked on; null between sections, in a pause, and past a deadline. */
export function openSection(view: SessionView, nowMs: number): string | null {
  if (view.state !== "running") return null;
  const open = view.sections.find(
    (section) =>
      section.state === "open" && (section.closes_at_ms === null || nowMs < section.closes_at_ms),
  );
  return open?.id ?? null;
}

/** When the next is due: in step with the last, after now. What was missed is not made up for. */
export function nextDue(lastMs: number, everyMs: number, nowMs: number): number {
  return lastMs + (Math.max(0, Math.floor((nowMs - lastMs) / everyMs)) + 1) * everyMs;
}

/** Takes the snapshots of a session, apart from answering. */
export class Capture {
  readonly #device: Log;
  readonly #camera: Stills;
  readonly #purpose: "periodic" | "room";
  #end: (() => void) | null = null;
  /** The still that is being taken; there is never a second one. */
  #taking: Promise<void> | null = null;
  #dueMs: number | null = null; // steady clock
  #outage: Outage | null = null;
  /** When the page was last awake in an open section: by the device's clock, and the steady one. */
  #beat: { readonly atMs: number; readonly steadyMs: number } | null = null;
  /** When the camera was first found to be opening: device's clock, and the steady one. */
  #opening: { readonly atMs: number; readonly steadyMs: number } | null = null;
  /** The section that this run of the page has begun to capture. */
  #section: string | null = null;

  /** `purpose` is what the snapshots are for: a second camera's are of the room. */
  constructor(device: Log, camera: Stills, purpose: "periodic" | "room" = "periodic") {
    this.#device = device;
    this.#camera = camera;
    this.#purpose = purpose;
  }

  /** Takes a snapshot every so often while a section is open, until `stop`. */
  start(): void {
    if (this.#end !== null) return;
    const beatMs = Math.max(50, Math.min(BEAT_MS, this.#everyMs / 10));
    this.#end = this.#camera.every(beatMs, () => this.tick());
    this.tick();
  }

  /** Takes one at once; the others go in step with it. None where none is taken now anyhow. */
  async now(): Promise<void> {
    // One that is under way may be older than the wish.
    await this.#taking;
    if (this.#end === null) return;
    this.#dueMs = null;
    this.tick();
  }

  /** Takes no more, and says of an outage that it lasted until now. */
  async stop(): Promise<void> {
    this.#end?.();
    this.#end = null;
    await this.#taking;
    this.#beat = this.#dueMs = this.#opening = null;
    await this.#quietly(() => this.#leave());
  }

  /** What a beat of the clock does. Returns at once. */
  tick(): void {
    const { clock, view } = this.#device;
    const section = openSection(view.peek(), clock.nowMs());
    const [atMs, steadyMs] = [clock.deviceMs(), clock.steadyMs()];
    const before = this.#beat;
    this.#beat = section === null ? null : { atMs, steadyMs };
    if (section === null) {
      // Nobody is watched in a break or a waiting room: nothing is missed there.
      this.#dueMs = null;
      if (this.#section !== null || this.#outage !== null) this.#take(() => this.#leave());
      return;
    }
    // Either clock may stand still while the computer sleeps. One that a person sets forward looks
    // like a sleep here; the server's receipts tell the two apart.
    const silentMs =
      before === null ? 0 : Math.max(atMs - before.atMs, steadyMs - before.steadyMs);
    if (silentMs > SUSPENDED_MS) void this.#quietly(() => this.#gap("suspended", atMs - silentMs));
    // A camera that is just opening is not lost: what it misses is said if it stays so.
    const fromMs = this.#opening?.atMs ?? atMs;
    if (this.#isOpening(atMs, steadyMs)) return;
    const due = this.#dueMs ?? steadyMs;
    // A camera that was lost or came back is noticed at once, not when the next is due.
    const changed = (this.#camera.state.peek() !== "on") !== (this.#outage?.cause === "camera");
    if (steadyMs < due && !(changed && this.#taking === null)) return;
    this.#dueMs = nextDue(due, this.#everyMs, steadyMs);
    this.#take(() => this.#snapshot(section, atMs, fromMs));
  }

  #isOpening(atMs: number, steadyMs: number): boolean {
    if (this.#camera.state.peek() !== "asking" || this.#outage !== null) {
      this.#opening = null;
      return false;
    }
    this.#opening ??= { atMs, steadyMs };
    return steadyMs - this.#opening.steadyMs < OPENING_MS;
  }

  get #everyMs(): number {
    return 1000 * this.#device.joined.capture.snapshot_every_s;
  }

  /** Does one thing at a time: what comes while a still is being taken is skipped. */
  #take(work: () => Promise<void>): void {
    if (this.#taking !== null) return;
    this.#taking = this.#quietly(work).finally(() => (this.#taking = null));
  }

  /** `fromMs`: since when the camera was awaited, where it was; else now. */
  async #snapshot(section: string, atMs: number, fromMs: number): Promise<void> {
    await this.#begin(section, atMs);
    const { width, height, jpeg_quality } = this.#device.joined.capture;
    try {
      const still = await this.#camera.still({ width, height, quality: jpeg_quality });
      const facts = { purpose: this.#purpose, width: still.width, height: still.height };
      await this.#device.write("snapshot", facts, still);
    } catch (error) {
      if (error instanceof CameraGone) return this.#missed("camera", fromMs);
      if (error instanceof StorageFull) {
        return this.#missed(error.of === "disk" ? "disk-full" : "spool-full", atMs);
      }
      throw error;
    }
    if ((await this.#closeOutage()) === "camera") {
      await this.#device.write("notice", { notice: "camera-back" });
    }
    await this.#device.keep(NOTE, { section, at_ms: atMs });
  }

  /** In a section that an earlier run of the page has captured: says for how long nobody did. */
  async #begin(section: string, atMs: number): Promise<void> {
    if (this.#section === section) return;
    const kept = asNote(await this.#device.kept(NOTE));
    if (kept?.section === section && atMs - kept.at_ms > this.#everyMs + SUSPENDED_MS) {
      await this.#gap("client-stopped", kept.at_ms);
    }
    this.#section = section;
  }

  /** The section is over, or paused. */
  async #leave(): Promise<void> {
    await this.#closeOutage();
    if (this.#section === null) return;
    this.#section = null;
    // A page that is closed now and opened after the pause has missed nothing.
    await this.#device.keep(NOTE, null);
  }

  async #missed(cause: Cause, atMs: number): Promise<void> {
    if (this.#outage?.cause === cause) return;
    await this.#closeOutage();
    this.#outage = { cause, fromMs: atMs };
    if (cause === "camera") await this.#device.write("notice", { notice: "camera-lost" });
    // Said at once, for the page may not live to see the end of it.
    this.#outage.fromMs = await this.#gap(cause, atMs);
  }

  /** Records the rest of an outage, which stays open if there is no room for that. */
  async #closeOutage(): Promise<Cause | null> {
    if (this.#outage === null) return null;
    const { cause, fromMs } = this.#outage;
    await this.#gap(cause, fromMs);
    this.#outage = null;
    return cause;
  }

  /** Records a gap until now; returns when that is, by the device's clock. */
  async #gap(cause: Cause, fromMs: number): Promise<number> {
    // The device's clock may have been set back meanwhile: a gap never ends before it begins.
    const toMs = Math.max(fromMs, this.#device.clock.deviceMs());
    const facts = { of: "capture", cause, from_ms: Math.round(fromMs), to_ms: Math.round(toMs) };
    await this.#device.write("gap", facts satisfies Record<string, Writable>);
    return toMs;
  }

  /** The room goes on whatever becomes of a snapshot. */
  async #quietly(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // An outage stays open, and is said when there is room. Of a log that is at its end the
      // status line speaks.
      if (error instanceof StorageFull || error instanceof DeviceStopped) return;
      reportError(error); // ours to mend
    }
  }
}

function asNote(kept: unknown): { section: string; at_ms: number } | null {
  if (typeof kept !== "object" || kept === null) return null;
  const { section, at_ms } = kept as Record<string, unknown>;
  return typeof section === "string" && typeof at_ms === "number" ? { section, at_ms } : null;
}
