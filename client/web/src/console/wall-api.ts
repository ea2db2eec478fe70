/** What the wall and the server say to each other: tiles over a WebSocket, acts over HTTP. */

import {
  ask,
  type Flag,
  type Gap,
  type LoginApi,
  type LookTicket,
  type Message,
  type SessionView,
  server as staff,
} from "../api";

/** Why somebody needs a person, by urgency. */
export const NEEDS = [
  "terminate-proposed",
  "help-fault",
  "help-question",
  "help-hand",
  "device-asks",
  "id-check",
  "offline",
  "conduct",
  "quality",
  /** The exam goes on meanwhile. */
  "id-check-later",
] as const;

export interface Still {
  device: string;
  sha256: string;
  at_ms: number;
}

/** Somebody proposes to end an exam. */
export interface Proposed {
  /** The id of what proposes it: who confirms names it. */
  act: string;
  by: string;
  /** Of the reason. */
  code: string;
  note: string;
  lapses_at_ms: number;
}

export interface Help {
  topic: string;
  /** The newest of what waits, cut short: the whole is in the story. */
  text: string;
  /** Messages before it that wait, too. */
  more: number;
  since_ms: number;
}

/** How often proctors have interrupted a learner who did not ask for it: once or more. */
export interface Interrupted {
  /** Announcements among them. */
  messages: number;
  pauses: number;
  /** For a new picture, or for those of the ID check. */
  requests: number;
  last_ms: number;
  /** Of the policy; 0: it names no number. */
  at_most: number;
}

/** One session as the wall shows it. All times are the server's, ms since 1970. */
export interface Tile {
  session: string;
  /** Grows with each act: what is decided on the tile names it. */
  version: number;
  learner: string;
  group: string;
  exam: string;
  state: string;
  /** The open section's title; "" between sections. */
  section: string;
  ends_at_ms: number | null;
  paused_since_ms: number | null;
  id_check: string;
  still: Still | null;
  connected: boolean;
  heard_ms: number | null;
  /** What the learner is asked for now: "dark", "no-face", … */
  quality: string[];
  /** How many flags of conduct were raised. */
  conduct: number;
  /** The newest of them that nobody has looked at, or of all; `value` is what was measured. */
  flagged: { rule: string; value: number | null } | null;
  /** Of NEEDS, the most urgent first. */
  needs: string[];
  needs_since_ms: number | null;
  help: Help | null;
  termination: Proposed | null;
  interrupted: Interrupted | null;
  taken_by: string | null;
  looking: string[];
  waiting_devices: number;
  /** Given beyond the section's own time, s. */
  extra_s: number;
  /** An older still shows how it was, not how it is: never what anybody did. */
  still_old_s: number;
  /** The rules that do not hold for this learner now, by what they are lifted by. */
  lifted: string[];
}

export interface ExamName {
  id: string;
  title: string;
}

/** What the server says. */
export type WallMessage =
  | { type: "wall"; now_ms: number; me: string; exams: ExamName[]; tiles: Tile[] }
  | {
      type: "delta";
      now_ms: number;
      tiles?: (Partial<Tile> & { session: string })[];
      gone?: string[];
    };

/** What the page says. */
export type WallWord =
  | { type: "view"; sessions: string[] }
  | { type: "look"; session: string | null }
  | { type: "take" | "release"; sessions: string[] };

export const VIEW_MOST = 120;
export const BATCH_MOST = 500;
export const NOTE_MOST = 2000;

export type ActKind =
  | "message"
  | "ask-still"
  | "ask-id"
  | "pause"
  | "resume"
  | "extra-time"
  | "lift-rule"
  | "restore-rule"
  | "admit-device"
  | "refuse-device"
  | "terminate"
  | "confirm-terminate"
  | "withdraw-terminate"
  | "irregularity"
  | "answer"
  | "undo";

export interface ActSent {
  act: ActKind;
  /** Of the list of reasons: "technical/network". */
  code?: string;
  note?: string;
  seconds?: number;
  rule?: string;
  /** An act to undo, a proposal to end, a device, or whose irregularity it was: "room", "system". */
  of?: string;
  /** By session, where each has its own. */
  ofBySession?: Readonly<Record<string, string>>;
  /** Of the session that the page showed: the server says so if it has changed since. */
  version?: number;
  /** One for each decision: what comes again with it is not done again. */
  request?: string;
}

/** What an act on many is in one of them. */
export interface OneOfMany {
  version?: number;
  of?: string;
}

export interface ManyActsSent extends Omit<ActSent, "of" | "ofBySession" | "version"> {
  of?: string;
  each: Record<string, OneOfMany>;
}

export interface ActView {
  id: string;
  act: string;
  code: string;
  /** What the learner reads. */
  words: string;
  note: string;
  by: string;
  at_ms: number;
  undone: boolean;
  undoable: boolean;
  /** A message that is an announcement, to all who sit the exam. */
  to_all?: boolean;
  /** A proposal to end the exam that nobody confirmed in time. */
  lapsed?: boolean;
}

/** A session as its proctors are shown it. */
export interface LiveSession extends SessionView {
  exam: string;
  group: string;
  version: number;
  acts: ActView[];
  lifted: string[];
  /** What this learner alone may do or use, in sentences; never why. */
  permitted: string[];
  /** `act` is the id of what proposes it: who confirms names it. */
  termination: { act: string; by: string; words: string; note: string; lapses_at_ms: number } | null;
  help: { topic: string; since_ms: number; answer: string; answered_at_ms: number | null } | null;
  asking: { device: string; device_kind: string; asked_at_ms: number }[];
  second_camera: { state: string; since_ms: number } | null;
}

/** What was said, flagged and missed in a session so far, each kind by time. */
export interface Story {
  messages: (Message & { waits: boolean })[];
  /** Each with the first of its snapshots. */
  flags: Flag[];
  gaps: Gap[];
  /** All; those of a session's view are the newest. */
  acts: ActView[];
  /** There is more, of before. */
  cut: boolean;
}

/** What holds for all learners of a session's exam, as a proctor goes by it. */
export interface SessionPolicy {
  title: string;
  /** How many proctors it takes to end an exam. */
  terminate_needs: number;
  chapters: { heading: string; lines: string[] }[];
  /** `rule` is what one is lifted by; several may have one. */
  rules: { rule: string; words: string }[];
}

export interface ReasonGroup {
  category: string;
  words: string;
  reasons: { code: string; words: string }[];
}

export interface Failed {
  session: string;
  code: string;
  detail: string;
}

/** What was done, and the session after it. */
export interface ActDone {
  act: ActView;
  session: LiveSession;
}

export interface BatchDone {
  /** `act` is its id. */
  done: { session: string; act: string; undoable: boolean }[];
  failed: Failed[];
}

export interface Told {
  told: number;
  failed: Failed[];
}

export interface WallApi extends LoginApi {
  session(session: string): Promise<LiveSession>;
  policy(session: string): Promise<SessionPolicy>;
  story(session: string): Promise<Story>;
  reasons(): Promise<ReasonGroup[]>;
  act(session: string, act: ActSent): Promise<ActDone>;
  /** Of one exam, at most BATCH_MOST sessions. */
  actOnMany(exam: string, sessions: string[], act: ManyActsSent): Promise<BatchDone>;
  announce(exam: string, code: string, note: string, request: string): Promise<Told>;
  /** Opens the live pictures of an exam. */
  watch(exam: string): Promise<LookTicket>;
}

const part = encodeURIComponent;

export const wallServer: WallApi = {
  signIn: (name, password) => staff.signIn(name, password),
  whoAmI: () => staff.whoAmI(),
  signOut: () => staff.signOut(),
  session: (session) => ask("GET", `/sessions/${part(session)}`),
  policy: (session) => ask("GET", `/sessions/${part(session)}/policy`),
  story: (session) => ask("GET", `/sessions/${part(session)}/story`),
  reasons: () => ask("GET", "/act-reasons"),
  act: (session, act) => ask("POST", `/sessions/${part(session)}/acts`, act),
  actOnMany: (exam, sessions, act) =>
    ask("POST", `/exams/${part(exam)}/acts`, { sessions, ...act }),
  announce: (exam, code, note, request) =>
    ask("POST", `/exams/${part(exam)}/announcements`, { code, note, request }),
  watch: (exam) => ask("POST", `/exams/${part(exam)}/looks`, { why: "watching" }),
};

/** Where the wall's WebSocket is, for a page at `origin`. */
export function wallAddress(origin: string, exam: string | null): string {
  const address = new URL("/api/v1/wall", origin.replace(/^http/, "ws"));
  if (exam !== null) address.searchParams.set("exam", exam);
  return address.href;
}
