import type { ComponentChildren } from "preact";
import { notices } from "../text/notices";

/** Says what is waited for, once it takes longer than a blink (the style sheet waits 400 ms). */
export function Waiting({ what }: { what: string }) {
  return (
    <p role="status" class="waiting">
      {notices.waiting(what)}
    </p>
  );
}

/** Says what went wrong, and offers the next step. */
export function Trouble({ words, again }: { words: string; again?: () => void }) {
  return (
    <div role="alert" class="notice needs">
      <p>{words}</p>
      {again !== undefined && (
        <button type="button" class="secondary" onClick={again}>
          {notices.again}
        </button>
      )}
    </div>
  );
}

export function Notice({ needs = false, children }: { needs?: boolean; children: ComponentChildren }) {
  return <div class={needs ? "notice needs" : "notice"}>{children}</div>;
}

/** The mark of a flag's class: a shape to go with the word, because colour alone tells nobody. */
export function ClassMark({ of }: { of: "conduct" | "quality" }) {
  return (
    <svg class={`mark ${of}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      {of === "conduct" ? <path d="M8 1 15.5 15H.5Z" /> : <circle cx="8" cy="8" r="6" />}
    </svg>
  );
}
