import { useLayoutEffect, useRef } from "preact/hooks";
import type { IdDecided, IdDecision, IdDesk } from "../api";
import { identity } from "../text/identity";
import { Notice, Trouble, Waiting } from "../ui/notices";
import { learnerReads, type Missing, NOTE_MOST, OTHER } from "./id-check";
import type { IdentityDesk } from "./identity-desk";
import { useLacked } from "./lacked";

const KEYS: Record<IdDecision, string> = {
  accepted: "a",
  "asked-again": "p",
  refused: "r",
  vouched: "v",
  "taken-back": "t",
};

interface Props {
  desk: IdentityDesk;
  check: IdDesk;
}

/** What a person says of the pictures: an act, what it needs, and what the learner will read. */
export function IdForm({ desk, check }: Props) {
  const form = useLacked(desk.lacked.value, fieldOf);
  const chosen = desk.draft.value.event;
  const acts = desk.acts.value;
  const event = chosen !== null && acts.includes(chosen) ? chosen : null;
  if (acts.length === 0) return null;
  const waits = identity.form.waits[check.state];
  const lacks = desk.tried.value ? desk.missing.value : [];
  return (
    <form
      ref={form}
      class="verdict"
      aria-labelledby="id-form-heading"
      noValidate
      onSubmit={(submitted) => {
        submitted.preventDefault();
        void desk.confirm();
      }}
    >
      <h2 id="id-form-heading">{identity.form.heading}</h2>
      {waits !== undefined && <p class="hint">{waits}</p>}
      <Acts desk={desk} check={check} acts={acts} lacking={lacks.includes("event")} />
      {event === "asked-again" && (
        <Codes desk={desk} check={check} lacking={lacks.includes("code")} />
      )}
      {event !== null && (
        <Note
          desk={desk}
          check={check}
          event={event}
          lacking={lacks.includes("note") || lacks.includes("shorter")}
        />
      )}
      <Reads words={learnerReads(desk.draft.value, check.reasons)} />
      <div id="id-lacks" role="alert">
        {lacks.length > 0 && (
          <Notice needs>
            {lacks.map((lack) => (
              <p key={lack}>{identity.form.lacks[lack]}</p>
            ))}
          </Notice>
        )}
      </div>
      {desk.trouble.value !== null && <Trouble words={desk.trouble.value} />}
      <button type="submit" class={event === "refused" ? "final" : undefined}>
        {identity.form.submit(event, check)} <kbd>Enter</kbd>
      </button>
      {desk.waiting.value !== null && <Waiting what={desk.waiting.value} />}
    </form>
  );
}

function fieldOf(form: HTMLFormElement, { what }: { what: Missing }): HTMLElement | null {
  switch (what) {
    case "event":
      return form.querySelector("input[name=event]");
    case "code":
      return form.querySelector("input[name=code]");
    default:
      return form.querySelector("textarea");
  }
}

type ActsProps = Props & { acts: IdDecision[]; lacking: boolean };

function Acts({ desk, check, acts, lacking }: ActsProps) {
  return (
    <fieldset aria-describedby={lacking ? "id-lacks" : undefined}>
      <legend class="spoken">{identity.form.act}</legend>
      {acts.map((event) => (
        <label key={event}>
          <input
            type="radio"
            name="event"
            value={event}
            checked={desk.draft.value.event === event}
            onChange={() => desk.write({ event })}
          />
          <span>
            <strong>{identity.form.name(event, check)}</strong> <kbd>{KEYS[event]}</kbd>{" "}
            {identity.form.hint(event, check)}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** The words are the learner's: who chooses one reads what they will read. */
function Codes({ desk, check, lacking }: Props & { lacking: boolean }) {
  return (
    <fieldset aria-describedby={lacking ? "id-lacks" : undefined}>
      <legend>{identity.form.code}</legend>
      {check.reasons.map(({ code, words }) => (
        <label key={code}>
          <input
            type="radio"
            name="code"
            value={code}
            checked={desk.draft.value.code === code}
            onChange={() => desk.write({ code })}
          />
          <span>{words}</span>
        </label>
      ))}
    </fieldset>
  );
}

interface NoteProps extends Props {
  event: IdDecision;
  lacking: boolean;
}

function Note({ desk, check, event, lacking }: NoteProps) {
  const { code, notes } = desk.draft.value;
  const other = event === "asked-again" && code === OTHER;
  return (
    <label>
      {other ? identity.form.noteOther : identity.form.note(event, check)}
      <textarea
        name="note"
        rows={3}
        // Room to go over, so that a paste is not cut in silence.
        maxLength={NOTE_MOST * 2}
        value={notes[event] ?? ""}
        aria-describedby={lacking ? "id-lacks id-hint" : "id-hint"}
        aria-invalid={lacking ? "true" : undefined}
        onInput={(typed) => desk.writeNote(typed.currentTarget.value)}
      />
      <small id="id-hint">{identity.form.noteHint(event, check)}</small>
    </label>
  );
}

function Reads({ words }: { words: string }) {
  if (words === "") return null;
  return (
    <Notice>
      <p>
        <strong>{identity.form.reads}</strong> “{words}”
      </p>
    </Notice>
  );
}

export function Recorded({ desk, check, recorded }: Props & { recorded: IdDecided }) {
  const onward = useRef<HTMLButtonElement>(null);
  // The form that had the focus is gone; Enter brings the next one, however soon it is pressed.
  useLayoutEffect(() => onward.current?.focus(), []);
  const next = desk.next.value;
  return (
    <section role="status" class="notice">
      <p>
        <strong>{identity.done(recorded.event, check.state)}</strong>
      </p>
      {next !== null && (
        <button type="button" ref={onward} onClick={() => void desk.open(next.session)}>
          {identity.next(next.learner)}
        </button>
      )}
      <button
        type="button"
        class="secondary"
        ref={next === null ? onward : null}
        onClick={() => desk.toQueue()}
      >
        {identity.toQueue}
      </button>
    </section>
  );
}
