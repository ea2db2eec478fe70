/** Sessions made for the tests: the smallest that the contract allows, changed where it matters. */

import type { Flag, IdDesk, IdRow, ReviewRow, Snapshot, Timeline } from "../src/api";

export const START = Date.UTC(2026, 10, 21, 13, 0, 0);
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;

export function row(session: string, changed: Partial<ReviewRow> = {}): ReviewRow {
  return {
    session,
    learner: session,
    exam: "sds",
    exam_title: "Statistics",
    state: "awaiting",
    session_state: "submitted",
    id_check: "accepted",
    conduct: 1,
    quality: 0,
    severity: 0.5,
    why: ["two people"],
    snapshots: 100,
    minutes: 3,
    waiting_since_ms: START,
    outcome: null,
    may_decide: true,
    ...changed,
  };
}

export function snapshot(seq: number, changed: Partial<Snapshot> = {}): Snapshot {
  return {
    device: "d_web1",
    seq,
    at_ms: START + seq * 10 * SECOND,
    sha256: String(seq).padStart(64, "0"),
    type: "image/jpeg",
    blob: "held",
    purpose: "periodic",
    observation: null,
    ...changed,
  };
}

export function flag(name: string, changed: Partial<Flag> = {}): Flag {
  return {
    flag: name,
    rule: "more than 1 person for 5 seconds",
    flag_class: "conduct",
    severity: 0.6,
    started_at_ms: START,
    ended_at_ms: START + 30 * SECOND,
    times: 1,
    lasted_ms: 30 * SECOND,
    section: "a",
    measurement: "faces",
    value: 2,
    threshold: 1,
    explanation: "Two people could be seen.",
    snapshots: [],
    snapshot_count: 0,
    policy_sha256: "3f".repeat(32),
    models: [],
    ...changed,
  };
}

export function timeline(changed: Partial<Timeline> = {}): Timeline {
  return {
    session: {
      session: "s_1",
      state: "submitted",
      id_check: { state: "accepted", reason: "" },
      sections: [],
      ledger: [],
      now_ms: START,
    },
    learner: "A. Diaz",
    exam: { id: "sds", title: "Statistics" },
    policy_sha256: "3f".repeat(32),
    review: { state: "awaiting", outcome: null, verdicts: [] },
    snapshots: [],
    flags: [],
    gaps: [],
    ledger: [],
    answers: [],
    me: "noor",
    may_decide: true,
    why_not: null,
    ...changed,
  };
}

export function idRow(session: string, changed: Partial<IdRow> = {}): IdRow {
  return {
    session,
    exam: "sds",
    exam_title: "Statistics",
    learner: session,
    state: "captured",
    since_ms: START,
    hold: true,
    concerns: [],
    raised: 0,
    proposed_by: null,
    ...changed,
  };
}

export function idDesk(session: string, changed: Partial<IdDesk> = {}): IdDesk {
  return {
    now_ms: START,
    session,
    exam: "sds",
    exam_title: "Statistics",
    learner: "Anna Eriksson",
    state: "captured",
    by: "",
    reason: "",
    held_since_ms: START,
    asked_for: "a passport with photo, not expired",
    face: { device: "d_web1", seq: 1, sha256: "aa", at_ms: START },
    document: { device: "d_web1", seq: 2, sha256: "bb", at_ms: START },
    before: null,
    portrait: { x: 10, y: 20, width: 30, height: 40 },
    reading: { state: "read", unavailable: [], lines: [], mrz: null },
    checks: [],
    raised: [],
    proposed: null,
    may_confirm: false,
    may_ask_again: true,
    may_take_back: false,
    reasons: [
      { code: "blurred", words: "The document can't be read: hold it still." },
      { code: "other", words: "Something else." },
    ],
    assurance: [],
    ...changed,
  };
}
