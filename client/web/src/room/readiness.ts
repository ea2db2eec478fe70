/** A rehearsal's report: what was measured in, one line for each check out. The words are elsewhere. */

import { adviceOn, type Measured } from "./advice";
import type { CameraState } from "./camera";
import type { SystemReport } from "./system";

export const CHECKS = [
  "browser",
  "system",
  "camera",
  "light",
  "face",
  "displays",
  "clock",
  "network",
  "upload",
  "storage",
] as const;
export type CheckName = (typeof CHECKS)[number];

/**
 * As a report is read, the worst first. mind: an exam is possible. mend: something must be mended
 * before the exam.
 */
export const STATUSES = ["mend", "mind", "not-tried", "ok"] as const;
export type Status = (typeof STATUSES)[number];

export type Facts = { readonly [name: string]: string | number | boolean };

/** One line, as it stands in the signed record. Numbers are whole, with units in their names. */
export interface Row {
  readonly check: CheckName;
  readonly status: Status;
  readonly facts: Facts;
}

/** What the server's machine saw in the pictures: GET /api/v1/session/rehearsal. */
export interface Seen {
  readonly pictures: number;
  readonly looked_at: number;
  readonly unavailable: number;
  readonly no_face: number;
  readonly one_face: number;
  readonly more_faces: number;
  readonly dark: number;
  readonly covered: number;
  readonly frozen: number;
  readonly light_mean: number | null;
}

/** One picture on its way: its size, and how long until the server's receipt for it was here. */
export interface Upload {
  readonly bytes: number;
  readonly ms: number;
}

export interface Measures {
  /** Such as "Firefox 131"; "" is not known. */
  readonly browser: string;
  /** Stills can be made beside the page, also while it is in the background. */
  readonly worker_stills: boolean;
  readonly full_screen: boolean;
  readonly system: SystemReport;
  /** Kinds of computer that the policy refuses and this one is, in words; the server says so. */
  readonly refused: readonly string[];
  readonly camera: CameraState;
  /** Of a still that was taken for the report; null if there was none. */
  readonly still: Measured | null;
  /** Null if the server could not be asked. */
  readonly seen: Seen | null;
  /** Whether there is more than one display; null where the browser does not say. */
  readonly more_displays: boolean | null;
  /** Of the policy. */
  readonly displays_most: number;
  /** The server's time less this computer's; null before any answer. */
  readonly offset_ms: number | null;
  readonly trip_ms: number | null;
  readonly uploads: readonly Upload[];
  /** Of the policy: one picture in as many seconds. */
  readonly every_s: number;
  /** Bytes that this page may keep and has not; null where the browser does not say. */
  readonly free_bytes: number | null;
  /** The browser has promised not to clear what this page keeps. */
  readonly persisted: boolean | null;
}

// As the desktop client has them (client/proctor_client/checks.py).
const [CLOCK_MIND_MS, CLOCK_MEND_MS] = [5_000, 300_000]; // beyond, secure connections begin to fail
const TRIP_MIND_MS = 500;
// An hour without a network is about 40 MB of pictures and records.
const [STORAGE_MEND_BYTES, STORAGE_MIND_BYTES] = [40_000_000, 200_000_000];
/** Of the time between two pictures, the share in which one should be away. */
const UPLOAD_MIND_SHARE = 0.5;

/** The lines of a report, in the order of CHECKS. */
export function rowsOf(m: Measures): Row[] {
  return [
    browser(m),
    system(m),
    camera(m),
    light(m),
    face(m),
    displays(m),
    clock(m),
    network(m),
    upload(m),
    storage(m),
  ];
}

/** Reads lines that were kept; null if they are none. */
export function readRows(kept: unknown): Row[] | null {
  if (!Array.isArray(kept)) return null;
  return kept.filter(
    (row): row is Row =>
      typeof row === "object" &&
      row !== null &&
      CHECKS.includes(row.check) &&
      STATUSES.includes(row.status) &&
      typeof row.facts === "object" &&
      row.facts !== null,
  );
}

/** Reads what the server says it saw; null if it is no such answer. */
export function readSeen(told: unknown): Seen | null {
  const seen = (told as { seen?: unknown } | null)?.seen as Seen | null | undefined;
  if (typeof seen !== "object" || seen === null) return null;
  const { pictures, looked_at, unavailable, no_face, one_face, more_faces, dark, covered, frozen } =
    seen;
  const counts = [pictures, looked_at, unavailable, no_face, one_face, more_faces];
  return [...counts, dark, covered, frozen].every((count) => typeof count === "number")
    ? seen
    : null;
}

function row(check: CheckName, status: Status, facts: Facts = {}): Row {
  return { check, status, facts };
}

function browser({ browser: name, worker_stills, full_screen }: Measures): Row {
  // Whatever a room can't do without was needed to come so far.
  return row("browser", worker_stills ? "ok" : "mind", { name, worker_stills, full_screen });
}

function system({ system: { os, os_version, form }, refused }: Measures): Row {
  const facts = { os, os_version, form };
  if (refused.length > 0) return row("system", "mend", { ...facts, refused: refused.join("; ") });
  return row("system", os === "" ? "not-tried" : "ok", facts);
}

function camera({ camera: state, seen, still }: Measures): Row {
  const pictures = seen?.pictures ?? 0;
  const works = state === "on" && (still !== null || pictures > 0);
  return row("camera", works ? "ok" : "mend", { state, pictures });
}

function light({ seen, still }: Measures): Row {
  if (seen !== null && seen.looked_at > 0) {
    const { looked_at: pictures, dark, covered, light_mean } = seen;
    const facts = { pictures, dark, covered, light_mean: Math.round(light_mean ?? 0) };
    if (2 * Math.max(dark, covered) > pictures) return row("light", "mend", facts);
    return row("light", dark + covered > 0 ? "mind" : "ok", facts);
  }
  if (still === null) return row("light", "not-tried");
  // The server's machine has not looked; this computer measures light in the same way.
  const advice = adviceOn(still, "face");
  const [dark, covered] = [Number(advice === "dark"), Number(advice === "covered")];
  const facts = { pictures: 1, dark, covered, light_mean: Math.round(still.mean) };
  return row("light", dark + covered > 0 ? "mend" : "ok", facts);
}

function face({ seen }: Measures): Row {
  const pictures = seen === null ? 0 : seen.looked_at - seen.unavailable;
  if (seen === null || pictures <= 0) return row("face", "not-tried");
  const { one_face, no_face, more_faces } = seen;
  const facts = { pictures, one_face, no_face, more_faces };
  if (one_face === 0) return row("face", "mend", facts);
  return row("face", one_face < pictures ? "mind" : "ok", facts);
}

function displays({ more_displays: more, displays_most: most }: Measures): Row {
  if (more === null) return row("displays", "not-tried", { at_most: most });
  const facts = { more_than_one: more, at_most: most };
  if (!more) return row("displays", "ok", facts);
  return row("displays", most > 1 ? "mind" : "mend", facts);
}

function clock({ offset_ms }: Measures): Row {
  if (offset_ms === null) return row("clock", "not-tried");
  const off = Math.abs(offset_ms);
  const status = off > CLOCK_MEND_MS ? "mend" : off > CLOCK_MIND_MS ? "mind" : "ok";
  return row("clock", status, { offset_ms: Math.round(offset_ms) });
}

function network({ trip_ms }: Measures): Row {
  if (trip_ms === null) return row("network", "not-tried");
  const facts = { round_trip_ms: Math.round(trip_ms) };
  return row("network", trip_ms > TRIP_MIND_MS ? "mind" : "ok", facts);
}

/** By the best of the pictures: what a line can do, not what it did while something else was sent. */
function upload({ uploads, trip_ms, every_s }: Measures): Row {
  const rates = uploads.map(({ bytes, ms }) => {
    // The answer's way back is not the picture's way up; what is left is never nothing.
    const sent_ms = Math.max(1, ms - (trip_ms ?? 0));
    return { bytes, sent_ms, bits_per_s: Math.round((8000 * bytes) / sent_ms) };
  });
  const [first, ...others] = rates;
  if (first === undefined) return row("upload", "not-tried", { every_s });
  const best = others.reduce((one, other) => (other.bits_per_s > one.bits_per_s ? other : one), first);
  const { bytes, bits_per_s } = best;
  const share = best.sent_ms / (1000 * every_s);
  const status = share > 1 ? "mend" : share > UPLOAD_MIND_SHARE ? "mind" : "ok";
  return row("upload", status, { bytes, bits_per_s, every_s });
}

function storage({ free_bytes, persisted }: Measures): Row {
  if (free_bytes === null) return row("storage", "not-tried");
  const facts = { free_bytes: Math.round(free_bytes), persisted: persisted ?? false };
  if (free_bytes < STORAGE_MEND_BYTES) return row("storage", "mend", facts);
  return row("storage", free_bytes < STORAGE_MIND_BYTES ? "mind" : "ok", facts);
}

/** Newest first where one names another: Edge and Opera say they are Chrome, and Chrome Safari. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:A|iOS)?\/(\d+)/, "Edge"],
  [/\bOPR\/(\d+)/, "Opera"],
  [/\b(?:Firefox|FxiOS)\/(\d+)/, "Firefox"],
  [/\b(?:HeadlessChrome|Chrome|CriOS)\/(\d+)/, "Chrome"],
  [/\bVersion\/(\d+(?:\.\d+)?).*\bSafari\//, "Safari"],
];

/** "Firefox 131"; "" where the browser does not say. */
export function browserName(userAgent: string): string {
  for (const [pattern, name] of NAMES) {
    const found = pattern.exec(userAgent);
    if (found !== null) return `${name} ${found[1] ?? ""}`.trim();
  }
  return "";
}
