/**
 * The report that a rehearsal ends with.
 *
 * A practice session has `joined.exam.practice`. There `report` is awaited before the submission is
 * written, which closes the log, and while the camera is open (running.ts, `submit`);
 * `reportRefused` where the policy refuses this computer, for that rehearsal ends at check-in
 * (check-in.ts, `welcome`). readiness-page.tsx shows the report. None of it comes with an exam.
 */

import type { Measured } from "./advice";
import type { Camera } from "./camera";
import { DeviceStopped, StorageFull, type Device } from "./device";
import { fieldsOf } from "./items";
import { browserName, readRows, readSeen, rowsOf, type Row, type Seen, type Upload } from "./readiness";
import { CameraGone } from "./still";
import { hintsOf, systemReport } from "./system";

/** The note beside the log: the lines of the report, once it is in the log. */
const NOTE = "readiness";
/** Pictures that are sent to see how fast it goes. */
const UPLOADS = 3;
const UPLOAD_PATIENCE_MS = 8000;
/** The server's machine looks at a picture within a second, when it has nothing else to do. */
const LOOK_PATIENCE_MS = 5000;
const LOOK_EVERY_MS = 500;

/** What a report needs of a device. */
export type Reporter = Pick<Device, "joined" | "write" | "received" | "keep" | "kept" | "rehearsal"> & {
  readonly clock: Pick<Device["clock"], "offsetMs" | "tripMs" | "steadyMs">;
};
export type Eye = Pick<Camera, "state" | "still">;

/** The lines of the report that is in the log; null if there is none. */
export async function reported(device: Pick<Device, "kept">): Promise<Row[] | null> {
  return readRows(await device.kept(NOTE));
}

/**
 * Measures, and writes the report into the log, once. Resolves to its lines.
 *
 * It takes seconds at the most: what can't be measured by then is not tried. Throws as `write`.
 */
export async function report(device: Reporter, camera: Eye): Promise<Row[]> {
  const before = await reported(device);
  if (before !== null) return before;
  const { still, uploads } = await sent(device, camera);
  return written(device, camera, { still, uploads, seen: await lookedAt(device), refused: [] });
}

/** As `report`, for a computer that the policy refuses: `refused` says why, in the server's words. */
export async function reportRefused(
  device: Reporter,
  camera: Eye,
  refused: readonly string[],
): Promise<Row[]> {
  const before = await reported(device);
  if (before !== null) return before;
  const rows = await rowsNow(device, camera, { still: null, uploads: [], seen: null, refused });
  // The camera was not asked for yet.
  const tried = rows.map((row) => (row.check === "camera" ? { ...row, status: "not-tried" as const } : row));
  return record(device, tried);
}

interface Taken {
  readonly still: Measured | null;
  readonly uploads: readonly Upload[];
  readonly seen: Seen | null;
  readonly refused: readonly string[];
}

async function written(device: Reporter, camera: Eye, taken: Taken): Promise<Row[]> {
  return record(device, await rowsNow(device, camera, taken));
}

async function record(device: Reporter, rows: Row[]): Promise<Row[]> {
  const lines = rows.map(({ check, status, facts }) => ({ check, status, facts }));
  await device.write("notice", { notice: "readiness", rows: lines });
  await device.keep(NOTE, rows);
  return rows;
}

async function rowsNow(device: Reporter, camera: Eye, taken: Taken): Promise<Row[]> {
  const { policy, capture } = device.joined;
  const most = fieldsOf(policy["system"])["displays_most"];
  const { quota, usage, persisted } = await stored();
  return rowsOf({
    ...taken,
    browser: browserName(navigator.userAgent),
    worker_stills: typeof OffscreenCanvas !== "undefined" && typeof Worker !== "undefined",
    full_screen: typeof document !== "undefined" && document.fullscreenEnabled === true,
    system: systemReport(await hintsOf(navigator)),
    camera: camera.state.peek(),
    more_displays: moreDisplays(),
    displays_most: typeof most === "number" ? most : 1,
    offset_ms: device.clock.offsetMs(),
    trip_ms: device.clock.tripMs(),
    every_s: capture.snapshot_every_s,
    free_bytes: quota === undefined ? null : quota - (usage ?? 0),
    persisted,
  });
}

/** Takes a few pictures and sees how long each needs to be confirmed. */
async function sent(
  device: Reporter,
  camera: Eye,
): Promise<{ still: Measured | null; uploads: Upload[] }> {
  const { width, height, jpeg_quality: quality } = device.joined.capture;
  const uploads: Upload[] = [];
  let measured: Measured | null = null;
  const until = device.clock.steadyMs() + UPLOAD_PATIENCE_MS;
  try {
    while (uploads.length < UPLOADS && camera.state.peek() === "on") {
      const still = await camera.still({ width, height, quality });
      measured = still.measured;
      const facts = { purpose: "periodic", width: still.width, height: still.height };
      const began = device.clock.steadyMs();
      const { seq } = await device.write("snapshot", facts, still);
      if (!(await within(until - began, device.received(seq + 1)))) break;
      uploads.push({ bytes: still.bytes.length, ms: device.clock.steadyMs() - began });
    }
  } catch (error) {
    // The report says of each what was not tried.
    if (!(error instanceof CameraGone || error instanceof StorageFull)) throw error;
  }
  return { still: measured, uploads };
}

/** What the server saw, once it has looked at all that it holds, or as far as it has come. */
async function lookedAt(device: Reporter): Promise<Seen | null> {
  const until = device.clock.steadyMs() + LOOK_PATIENCE_MS;
  let seen: Seen | null = null;
  for (;;) {
    try {
      seen = readSeen(await device.rehearsal()) ?? seen;
    } catch (error) {
      if (error instanceof DeviceStopped) throw error;
      return seen; // it can't be asked now
    }
    if (seen === null || seen.looked_at >= seen.pictures) return seen;
    if (device.clock.steadyMs() > until) return seen;
    await pause(LOOK_EVERY_MS);
  }
}

async function within(mostMs: number, work: Promise<void>): Promise<boolean> {
  if (mostMs <= 0) return false;
  return Promise.race([work.then(() => true), pause(mostMs).then(() => false)]);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** `isExtended` is of the Window Management API; it asks nobody. */
function moreDisplays(): boolean | null {
  if (typeof screen === "undefined") return null;
  const { isExtended } = screen as { isExtended?: unknown };
  return typeof isExtended === "boolean" ? isExtended : null;
}

interface Stored extends StorageEstimate {
  readonly persisted: boolean | null;
}

async function stored(): Promise<Stored> {
  try {
    const { storage } = navigator;
    return { ...(await storage.estimate()), persisted: await storage.persisted() };
  } catch {
    return { persisted: null }; // a browser, or a private window, that does not say
  }
}
