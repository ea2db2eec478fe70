/** Which screen a learner sees: a pure function of where the session and this computer stand. */

import type { SectionView, SessionView } from "../api";

export const STEPS = ["rules", "face", "document", "second-camera", "ready"] as const;
export type Step = (typeof STEPS)[number];
export type Purpose = "face" | "document";
/** What a policy asks to be shown in check-in. */
export type Wanted = Purpose | "second-camera";

/** Why this tab can do nothing more for the session. */
export type Stopped =
  | "other-tab"
  | "superseded"
  | "history-differs"
  | "receipt-refused"
  | "token-ended";

export type Screen =
  | { is: Step }
  /** Before any picture: whether the policy takes this computer at all. */
  | { is: "asking" }
  /** A person looks at the pictures. */
  | { is: "waiting" }
  | { is: "id-refused" }
  /** Nothing is open: which section is next. */
  | { is: "sections" }
  | { is: "section"; section: string }
  /** The clock has passed a section's end; the server has not said so yet. */
  | { is: "time-up"; section: string }
  | { is: "paused" }
  | { is: "handing-in" }
  | { is: "done" }
  | { is: "terminated" }
  | { is: "expired" }
  | { is: "stopped"; why: Stopped };

export interface Standing {
  view: Pick<SessionView, "state" | "id_check" | "sections">;
  /** The rules are accepted: the log has its first record. */
  hello: boolean;
  /** The server was asked whether it takes this computer, and did not say no. */
  welcome: boolean;
  /** Pictures that are recorded and still count. */
  taken: ReadonlySet<string>;
  /** Those that the policy asks for, in their order. */
  wanted: readonly Wanted[];
  /** The step that the learner went back to; null is on the way. */
  back: Step | null;
  /** The submission is written. */
  submitted: boolean;
  /** Of this device's uplink and storage. */
  trouble: string | null;
  /** Server time. */
  now_ms: number;
}

const STOPPING: readonly string[] = [
  "other-tab",
  "superseded",
  "history-differs",
  "receipt-refused",
  "token-ended",
] satisfies Stopped[];

export function screenOf(standing: Standing): Screen {
  const { view, trouble, now_ms } = standing;
  switch (view.state) {
    case "submitted":
      return { is: "done" };
    case "terminated":
    case "expired":
      return { is: view.state };
  }
  if (isStopping(trouble)) return { is: "stopped", why: trouble };
  if (!standing.hello) return { is: "rules" };
  if (view.state === "invited" || view.state === "check-in") return checkIn(standing);
  // Before handing in: a session that is paused can't be handed in.
  if (view.state === "paused") return { is: "paused" };
  if (standing.submitted || view.sections.every(({ state }) => state === "closed")) {
    return { is: "handing-in" };
  }
  const open = openSection(view);
  if (open === null) return { is: "sections" };
  return { is: isOver(open, now_ms) ? "time-up" : "section", section: open.id };
}

function checkIn(standing: Standing): Screen {
  switch (standing.view.id_check.state) {
    case "refused":
      return { is: "id-refused" };
    case "awaited":
    case "retake":
      break;
    default:
      return { is: "waiting" };
  }
  if (!standing.welcome) return { is: "asking" };
  if (standing.back !== null) return { is: standing.back };
  return { is: standing.wanted.find((purpose) => !standing.taken.has(purpose)) ?? "ready" };
}

/** Whether a session of this state is over, whatever ended it. */
export function hasEnded(state: string): boolean {
  return state === "submitted" || state === "terminated" || state === "expired";
}

function isStopping(trouble: string | null): trouble is Stopped {
  return trouble !== null && STOPPING.includes(trouble);
}

function isOver(section: SectionView, now_ms: number): boolean {
  return section.closes_at_ms !== null && now_ms >= section.closes_at_ms;
}

export function openSection(view: Pick<SessionView, "sections">): SectionView | null {
  return view.sections.find(({ state }) => state === "open") ?? null;
}

/** The sections that may be opened now: the next one, or any that is planned. */
export function openable(sections: readonly SectionView[], in_order: boolean): SectionView[] {
  const planned = sections.filter(({ state }) => state === "planned");
  return in_order ? planned.slice(0, 1) : planned;
}

/** The section that closed last: what became of it is told before the next. */
export function lastClosed(sections: readonly SectionView[]): SectionView | null {
  const closed = sections.filter(
    ({ state, opened_at_ms }) => state === "closed" && opened_at_ms !== null,
  );
  return closed.reduce<SectionView | null>(
    (last, one) =>
      last === null || (one.closed_at_ms ?? 0) >= (last.closed_at_ms ?? 0) ? one : last,
    null,
  );
}

/** The steps of a policy, for the stepper. */
export function stepsOf(wanted: readonly Wanted[]): Step[] {
  return STEPS.filter((step) => step === "rules" || step === "ready" || wanted.includes(step));
}

/** The step before one that can be gone back to; rules that are accepted stay so. */
export function stepBefore(step: Step, wanted: readonly Wanted[]): Step | null {
  const steps = stepsOf(wanted);
  return steps[steps.indexOf(step) - 1] ?? null;
}

/** The step after one that was gone back to; null is on the way again. */
export function stepAfter(step: Step, wanted: readonly Wanted[]): Step | null {
  const steps = stepsOf(wanted);
  return steps[steps.indexOf(step) + 1] ?? null;
}

/** A name for a screen: a new one moves the focus. */
export function nameOf(screen: Screen): string {
  return "section" in screen ? `${screen.is} ${screen.section}` : screen.is;
}
