/** The one module that speaks to the server: its words (docs: the wire contract, version 1) and its problems. */

export interface Login {
  name: string;
  /** A lead may all that a proctor may, and reads agreement and exports besides. */
  role: "proctor" | "lead" | "course-team" | "administrator";
  /** Those that the account is for, by id; null: every exam. */
  exams: string[] | null;
  expires_at_ms: number;
}

export type FlagClass = "conduct" | "quality";
export type ReviewState =
  | "awaiting"
  | "second-needed"
  | "third-needed"
  | "decided"
  | "contested"
  | "final";
export type Outcome = "clear" | "breach" | "void" | "inconclusive";
/** What a proctor says of the face and document that a learner has shown. */
export type IdDecision = "accepted" | "asked-again" | "refused" | "vouched" | "taken-back";
export type Judgement = "upheld" | "not-upheld" | "cannot-tell";

/** One session in the queue. */
export interface ReviewRow {
  session: string;
  learner: string;
  exam: string;
  exam_title: string;
  state: ReviewState;
  session_state: string;
  /** Whether the learner is the right person: awaited, captured, accepted, retake or refused. */
  id_check: string;
  conduct: number;
  quality: number;
  severity: number;
  why: string[];
  snapshots: number;
  minutes: number;
  waiting_since_ms: number;
  outcome: Outcome | null;
  /** Whoever is signed in may give a verdict now. */
  may_decide: boolean;
  /** Why they may not, in words. */
  why_not?: string | null;
  /** Noted by proctors, and not struck. */
  irregularities?: number;
  /** Sections that conduct flags touch. */
  reach?: number;
  assigned_to?: string | null;
  due_at_ms?: number | null;
  /** What the due date asks for. */
  clock?: Clock;
  /** The learner answered, and the case waits for another person. */
  contested?: boolean;
  /** Nothing with quality flags alone is in the queue of conduct. */
  queue?: "conduct" | "other";
  /** Its results were released without a verdict: nobody had to judge it, nor has to. */
  released_unjudged?: boolean;
}

export type Clock = "ok" | "soon" | "over";

/** How far the machine is behind with looking at pictures, over all sessions. */
export interface PicturesWaiting {
  waiting: number;
  /** When the one that waits for longest came; null where none waits. */
  oldest_ms: number | null;
  /** Sessions of which more pictures came than could be queued: they are looked through later. */
  behind: number;
  /** What is not measured for want of a model: "faces: the model yunet is not there". */
  unavailable?: string[];
}

export interface ReviewQueue {
  reviews: ReviewRow[];
  pictures?: PicturesWaiting;
  /** How many whoever asks has decided within the last 24 hours. */
  done_last_day?: number;
  /** Who gives verdicts, by name. */
  reviewers?: string[];
  /** There are older sessions, which are not in it. */
  more?: boolean;
}

/** Sessions to give to somebody, or to nobody, and when they are due. */
export interface Assignment {
  sessions: string[];
  to: string | null;
  due_at_ms?: number;
}

/** What of a batch was done; the others are named with their reason. */
export interface Assigned {
  done: string[];
  failed: { session: string; code: string; detail: string }[];
}

export interface SectionView {
  id: string;
  title: string;
  state: "planned" | "open" | "closed";
  limit_s: number;
  opened_at_ms: number | null;
  closes_at_ms: number | null;
  closed_at_ms: number | null;
  closed_by: string | null;
}

export interface LedgerEntry {
  section: string;
  seconds: number;
  cause: string;
  reason: string;
  at_ms: number;
}

/** Help that the learner was asked for, because the pictures were not good enough. */
export interface QualityAsk {
  /** "dark", "covered", "no-face", "frozen", …: what the policy calls it. */
  kind: string;
  since_ms: number;
  /** Null while it goes on. */
  until_ms: number | null;
  seconds: number;
}

export interface SessionView {
  session: string;
  state: string;
  id_check: {
    state: string;
    /** New pictures were asked for, now or before. */
    asked_again?: boolean;
    reason: string;
    /** While it waits for a person: since when, and how many others wait for longer. */
    held_since_ms?: number | null;
    held_before?: number | null;
    /** Which checks were made of who it is, and by whom, a sentence each. */
    assurance?: string[];
  };
  sections: SectionView[];
  ledger: LedgerEntry[];
  asks?: QualityAsk[];
  /** Of what `asks` has no more, which are the oldest, a sum for each kind. */
  asked_before?: { kind: string; seconds: number }[];
  acts?: Act[];
  /** Plain sentences: what this learner is allowed beyond the others. Never why. */
  permitted?: string[];
  now_ms: number;
}

/** What a proctor did during the exam. */
export interface Act {
  id: string;
  act: string;
  code: string;
  /** What the learner reads. */
  words: string;
  /** The reason from the list, in words; it stands in `words` too. */
  why?: string;
  note: string;
  by: string;
  at_ms: number;
  undone: boolean;
  /** A message that is an announcement, to all who sit the exam. */
  to_all?: boolean;
  /** A proposal to end the exam that nobody confirmed in time. */
  lapsed?: boolean;
}

/** x, y, width, height in pixels of the full picture, origin top left; score 0 to 1. */
export type Face = readonly [number, number, number, number, number];

export interface Observation {
  faces: Face[] | null;
  dark: boolean | null;
  covered: boolean | null;
  frozen: boolean | null;
  light_mean: number | null;
  unavailable: string[];
}

export interface SnapshotRef {
  device: string;
  seq: number;
  sha256: string;
}

export interface Snapshot extends SnapshotRef {
  at_ms: number;
  type: string;
  blob: "held" | "owed" | "erased";
  purpose: string;
  observation: Observation | null;
}

export interface Flag {
  flag: string;
  rule: string;
  flag_class: FlagClass;
  severity: number;
  started_at_ms: number;
  ended_at_ms: number;
  /** How often it went on by itself, and how long all its times together. */
  times: number;
  lasted_ms: number;
  section: string;
  measurement: string;
  value: number | null;
  threshold: number | null;
  explanation: string;
  /** At most 64, spread evenly; `snapshot_count` says how many there are. */
  snapshots: SnapshotRef[];
  snapshot_count: number;
  policy_sha256: string;
  /** "yunet 2023mar". */
  models: string[];
}

export interface Gap {
  device: string;
  seq: number;
  cause: string;
  of: "capture" | "contact";
  from_ms: number;
  to_ms: number;
}

export interface FlagJudgement {
  flag: string;
  outcome: Judgement;
  reason: string;
}

export interface Verdict {
  by: string;
  outcome: Outcome;
  reasons: string;
  at_ms: number;
  flags: FlagJudgement[];
}

export interface Review {
  state: ReviewState;
  outcome: Outcome | null;
  /** How many must agree to a breach, 1 or 2. Where the server does not say: 2. */
  adverse_needs?: number;
  verdicts: Verdict[];
}

export interface AnswerSaved {
  section: string;
  item: string;
  saved: number;
  last_at_ms: number;
  late: boolean;
  /** When it was saved, each time. */
  at_ms?: number[];
}

/** What the learner wrote to a proctor. */
export interface Message {
  device: string;
  seq: number;
  at_ms: number;
  topic: string;
  text: string;
  /** Of a hand: up or down. */
  raised: boolean | null;
}

/** What a proctor wrote at a moment of a session. */
export interface Comment {
  by: string;
  /** The moment it is about. */
  at_ms: number;
  text: string;
  written_at_ms: number;
}

export interface Attachment {
  name: string;
  sha256: string;
  size: number;
  type: string;
}

/** The learner's answer to what was decided. */
export interface Contest {
  text: string;
  flags: { flag: string; text: string }[];
  attachments: Attachment[];
  at_ms: number;
  until_ms: number | null;
}

/** What could not be measured in pictures that were looked at, and in how many. */
export interface Unavailable {
  why: string;
  snapshots: number;
}

export interface Timeline {
  session: SessionView;
  learner: string;
  exam: { id: string; title: string };
  policy_sha256: string;
  review: Review;
  snapshots: Snapshot[];
  flags: Flag[];
  gaps: Gap[];
  ledger: LedgerEntry[];
  answers: AnswerSaved[];
  messages?: Message[];
  comments?: Comment[];
  acts?: Act[];
  contest?: Contest | null;
  /** The machine has looked at every picture that is held. */
  analysed?: boolean;
  unavailable?: Unavailable[];
  /** Its results were released without a verdict: nobody had to judge it, nor has to. */
  released_unjudged?: boolean;
  me: string;
  may_decide: boolean;
  why_not: string | null;
}

export interface VerdictGiven {
  outcome: Outcome;
  reasons: string;
  flags: FlagJudgement[];
  /** Every flag that was on the page: one that came later is named by the server. */
  flags_seen: string[];
  /** Sent again with the same, it is given once. */
  request: string;
}

/** What is noted at a moment of a session; sent again with the same `request`, it is kept once. */
export interface CommentGiven {
  at_ms: number;
  text: string;
  request: string;
}

/** Why somebody looks at pictures; written down beside each look. */
export type LookWhy = "review" | "check-in" | "help" | "contest" | "audit";

/** Where pictures of one session can be had until `until_ms`, by whoever asked. */
export interface LookTicket {
  path: string;
  until_ms: number;
}

/** One person's looks at one thing within ten minutes. */
export interface Look {
  by: string;
  what: string;
  why: string;
  at_ms: number;
  until_ms: number;
  count: number;
  /** False: it was asked for and refused. */
  allowed: boolean;
}

/** How far two people, or the judges of a rule, agree beyond chance. */
export interface Kappa {
  n: number;
  /** Of them, the share in which both said the same, 0 to 1. */
  agree: number;
  /** Cohen's kappa with the 95 % interval; null where n says nothing. */
  kappa: number | null;
  low: number | null;
  high: number | null;
}

/** What became of the flags of a rule, by the verdicts that stand. */
export interface FlagOutcomes {
  rule: string;
  /** Flags that were judged. */
  n: number;
  upheld: number;
  not_upheld: number;
  cannot_tell: number;
  /** Of those judged, the share that was not upheld, 0 to 1, with its 95 % interval. */
  share: number;
  low: number;
  high: number;
}

/** A mark that was given to an answer; the last counts. */
export interface MarkGiven {
  points: number;
  by: string;
  at_ms: number;
}

/** An answer that no machine can score. */
export interface AnswerToMark {
  section: string;
  item: string;
  text: string;
  response: unknown;
  possible: number;
  /** Oldest first. */
  marks: MarkGiven[];
}

export interface Marking {
  session: string;
  learner: string;
  /** The learner reads the result: what counts stays. */
  released: boolean;
  points: number;
  possible: number;
  answers: AnswerToMark[];
}

export interface MarkingRow {
  session: string;
  learner: string;
  group: string;
  released: boolean;
  /** Answers that somebody has marked. */
  marked: number;
}

export interface ExamMarking {
  /** Of the exam, those that people score. */
  items: number;
  sessions: MarkingRow[];
}

export interface MarkSent {
  item: string;
  points: number;
  /** What stood there; null: nothing. */
  was: number | null;
}

/** Which results of an exam were released, and why others were not. */
export interface Released {
  done: string[];
  failed: { session: string; code: string; detail: string }[];
}

export interface Agreement {
  /** How many the exam has: all were looked through. */
  sessions: number;
  /** How many of them count here. */
  decided: number;
  pairs: (Kappa & { one: string; other: string })[];
  rules: (Kappa & { rule: string })[];
  flags: FlagOutcomes[];
}

export interface ExamRow {
  id: string;
  title: string;
  policy: string;
  sections: number;
  sessions: number;
}

/** One ID check in the queue of those that wait for a person. */
export interface IdRow {
  session: string;
  exam: string;
  exam_title: string;
  learner: string;
  state: string;
  since_ms: number;
  /** The learner can't begin before a person has looked. */
  hold: boolean;
  /** In plain words: "the name differs". */
  concerns: string[];
  /** Other accounts with the same document or face. */
  raised: number;
  /** Who proposes to refuse it; null where nobody does. */
  proposed_by: string | null;
}

export interface IdQueue {
  /** The server's clock. */
  now_ms: number;
  waiting: IdRow[];
  /** Of those decided in the last 24 hours. */
  waited_s_median: number | null;
  /** Of those that wait now. */
  waited_s_longest: number | null;
}

export interface PictureRef extends SnapshotRef {
  at_ms: number;
}

/** In pixels of a full picture, origin top left. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** What a machine-readable zone says; dates are ISO 8601. */
export interface Mrz {
  format: string;
  code: string;
  issuer: string;
  number: string;
  nationality: string;
  /** Null too where its century is open: see `births`. */
  birth: string | null;
  /** Each day that it may be: a zone has two digits of the year. */
  births: string[];
  expiry: string | null;
  sex: string;
  surname: string;
  given: string;
  valid: boolean;
  /** Names of check digits that do not hold: "number", "birth", "expiry", "optional", "composite". */
  failed: string[];
}

export interface IdReading {
  state: "waiting" | "read" | "unavailable" | "erased";
  unavailable: string[];
  lines: string[];
  mrz: Mrz | null;
}

export type CheckResult = "agrees" | "unsure" | "differs" | "unavailable";

export interface IdCheckMade {
  /** "faces", "digits", "expiry", "kind", "name", "portrait" or "face". */
  check: string;
  by: string;
  result: CheckResult;
  words: string;
  value: number | null;
  threshold: number | null;
  models: { name: string; version: string; sha256: string }[];
}

/** Another account of the same programme that showed the same document or the same face. */
export interface Raised {
  why: string;
  session: string;
  /** Empty where the session is erased. */
  exam: string;
  /** Empty there too, and where it is not `yours`. */
  learner: string;
  /** Of an exam that the reader may see. */
  yours: boolean;
  value: number | null;
}

/** One ID check with all that a person needs to decide on it. */
export interface IdDesk {
  /** The server's clock. */
  now_ms: number;
  session: string;
  exam: string;
  exam_title: string;
  learner: string;
  state: string;
  by: string;
  reason: string;
  held_since_ms: number | null;
  asked_for: string;
  face: PictureRef | null;
  document: PictureRef | null;
  /** What was shown before these: the last that was accepted, or else the last. */
  before: {
    face: PictureRef | null;
    document: PictureRef | null;
    state: string;
    by: string;
  } | null;
  portrait: Box | null;
  /** Null: no document was asked for. */
  reading: IdReading | null;
  checks: IdCheckMade[];
  raised: Raised[];
  /** A refusal that waits for a second person. */
  proposed: { by: string; reason: string; at_ms: number } | null;
  /** Whoever asks may be that second person. */
  may_confirm: boolean;
  /** The learner can still show something new. */
  may_ask_again: boolean;
  /** That new pictures were asked for, of who was vouched for and has shown none. */
  may_take_back: boolean;
  /** What a new picture can be asked for with; `words` are what the learner reads. */
  reasons: { code: string; words: string }[];
  assurance: string[];
}

export interface IdDecided {
  event: IdDecision;
  /** Of `reasons`; only where a new picture is asked for. */
  code: string | null;
  reason: string;
}

/** What is sent: the decision, and the pictures that it is about, by their digests. */
export interface IdSent extends IdDecided {
  seen: { face: string | null; document: string | null };
}

/** The server said no, and why: RFC 9457 with our facts beside it. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  constructor(
    /** The last part of `urn:proctor:problem:…`; "unknown" where the answer was none of ours. */
    readonly code: string,
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly facts: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail || title);
  }
}

/** No answer came. Whether the server did what was asked is not known. */
export class Unreachable extends Error {
  override readonly name: string = "Unreachable";
}

/** No answer came for as long as it was waited for. */
export class TooLate extends Unreachable {
  override readonly name = "TooLate";
}

/** What the pages of staff ask of the server. Every method throws ProblemError or Unreachable. */
export interface LoginApi {
  signIn(name: string, password: string): Promise<Login>;
  whoAmI(): Promise<Login>;
  signOut(): Promise<void>;
}

/** What pages that show pictures ask. */
export interface LookApi {
  /** A ticket for the pictures of one session. */
  look(session: string, why: LookWhy): Promise<LookTicket>;
  /** The bytes at an address that a ticket opens. Throws TooLate after `within_ms`, if given. */
  bytes(address: string, within_ms?: number): Promise<Blob>;
}

export interface ReviewApi extends LoginApi, LookApi {
  /** Of one exam, or of all. */
  reviews(exam?: string | null): Promise<ReviewQueue>;
  timeline(session: string): Promise<Timeline>;
  decide(session: string, verdict: VerdictGiven): Promise<Review>;
  assign(assignment: Assignment): Promise<Assigned>;
  comment(session: string, comment: CommentGiven): Promise<Comment[]>;
  looks(session: string): Promise<Look[]>;
}

export interface LeadApi extends LoginApi {
  exams(): Promise<ExamRow[]>;
  agreement(exam: string): Promise<Agreement>;
  /** Releases each result that can be. */
  releaseResults(exam: string): Promise<Released>;
  marking(exam: string): Promise<ExamMarking>;
  marks(session: string): Promise<Marking>;
  mark(session: string, sent: MarkSent): Promise<Marking>;
  /** The file that is an answer; that it was read is written down. */
  fileToMark(session: string, item: string): Promise<Blob>;
}

export interface IdApi extends LoginApi, LookApi {
  idChecks(): Promise<IdQueue>;
  idCheck(session: string): Promise<IdDesk>;
  decideId(session: string, sent: IdSent): Promise<IdDesk>;
}

const ROOT = "/api/v1";
/** Longer than this the pages of staff wait for no answer, ms. */
export const ANSWER_MS = 30_000;
const PROBLEM = "urn:proctor:problem:";

/** `why` is written down beside the look. */
export function bundleUrl(session: string, why: "review" | "contest" = "review"): string {
  return `${ROOT}/sessions/${encodeURIComponent(session)}/bundle${why === "review" ? "" : `?why=${why}`}`;
}

export const EXPORTS = ["sessions", "flags", "irregularities", "verdicts"] as const;

export function exportUrl(
  exam: string,
  what: (typeof EXPORTS)[number],
  kind: "csv" | "json",
): string {
  return `${ROOT}/exams/${encodeURIComponent(exam)}/export/${what}.${kind}`;
}

/** Reads an answer that is not 2xx; whatever stands in it, a ProblemError comes out. */
export function problemOf(status: number, body: unknown): ProblemError {
  const { type, title, detail, status: _, ...facts } = isObject(body) ? body : {};
  const code =
    typeof type === "string" && type.startsWith(PROBLEM) ? type.slice(PROBLEM.length) : "unknown";
  return new ProblemError(
    code,
    status,
    typeof title === "string" ? title : "",
    typeof detail === "string" ? detail : "",
    facts,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Asks the server once, as whoever the login cookie names. Throws ProblemError or Unreachable;
 * TooLate, which is one, after ANSWER_MS.
 */
export async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const init: RequestInit = { method, credentials: "same-origin", cache: "no-store", signal };
  if (body !== undefined) {
    init.headers = { "Content-Type": "application/json" };
    init.body = JSON.stringify(body);
  }
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(ROOT + path, init);
    text = await answer.text();
  } catch {
    throw signal.aborted ? new TooLate() : new Unreachable();
  }
  const content = parsed(text);
  if (!answer.ok) throw problemOf(answer.status, content);
  // Page and server are built from the same tree; the contract is tested on the server's side.
  return content as T;
}

/** Bytes that a ticket opens. They are not JSON; what went wrong is. */
async function fetched(address: string, within_ms?: number): Promise<Blob> {
  const init: RequestInit = { credentials: "same-origin", cache: "no-store" };
  if (within_ms !== undefined) init.signal = AbortSignal.timeout(within_ms);
  let answer: Response;
  try {
    answer = await fetch(address, init);
    if (answer.ok) return await answer.blob();
    throw problemOf(answer.status, parsed(await answer.text()));
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    throw init.signal?.aborted ? new TooLate() : new Unreachable();
  }
}

function parsed(text: string): unknown {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return null; // a proxy's page, say: the status still tells
  }
}

export const server: ReviewApi & IdApi & LeadApi = {
  signIn: (name, password) => ask("POST", "/login", { name, password }),
  whoAmI: () => ask("GET", "/login"),
  signOut: async () => void (await ask("DELETE", "/login")),
  look: (session, why) => ask("POST", `${sessionPath(session)}/looks`, { why }),
  bytes: fetched,
  reviews: (exam = null) =>
    ask("GET", exam === null ? "/reviews" : `/reviews?exam=${encodeURIComponent(exam)}`),
  timeline: (session) => ask("GET", `${sessionPath(session)}/timeline`),
  decide: async (session, verdict) =>
    (await ask<{ review: Review }>("POST", `${sessionPath(session)}/verdicts`, verdict)).review,
  assign: (assignment) => ask("POST", "/reviews/assign", assignment),
  comment: async (session, comment) =>
    (await ask<{ comments: Comment[] }>("POST", `${sessionPath(session)}/comments`, comment))
      .comments,
  looks: (session) => ask("GET", `${sessionPath(session)}/looks`),
  exams: () => ask("GET", "/exams"),
  agreement: (exam) => ask("GET", `/exams/${encodeURIComponent(exam)}/agreement`),
  releaseResults: (exam) => ask("POST", `/exams/${encodeURIComponent(exam)}/results/release`),
  marking: (exam) => ask("GET", `/exams/${encodeURIComponent(exam)}/marks`),
  marks: (session) => ask("GET", `${sessionPath(session)}/marks`),
  mark: (session, sent) => ask("POST", `${sessionPath(session)}/marks`, sent),
  fileToMark: (session, item) =>
    fetched(`${ROOT}${sessionPath(session)}/marks/${encodeURIComponent(item)}/file`),
  idChecks: () => ask("GET", "/id-checks"),
  idCheck: (session) => ask("GET", idCheckPath(session)),
  decideId: (session, sent) => ask("POST", idCheckPath(session), sent),
};

function sessionPath(session: string): string {
  return `/sessions/${encodeURIComponent(session)}`;
}

function idCheckPath(session: string): string {
  return `${sessionPath(session)}/id-check`;
}
