import { useEffect, useRef } from "preact/hooks";
import type { Review } from "../api";
import { en } from "../text/en";
import { offeredForSession } from "../text/reasons";
import { Dialog } from "../ui/dialog";
import { Notice, Trouble, Waiting } from "../ui/notices";
import type { Desk, Recorded } from "./desk";
import { Sentences } from "./flags";
import { isUndecided } from "./id-check";
import { useInView, useLacked } from "./lacked";
import { doubt, effectOf, type Missing, OUTCOMES, REASONS_MOST } from "./verdict";

/** What can be wrong with the reasons of the whole. */
const OF_REASONS: readonly Missing["what"][] = ["reasons", "shorter", "untrue", "own-words"];

export function VerdictForm({ desk, review }: { desk: Desk; review: Review }) {
  const lacks = desk.tried.value ? desk.missing.value : [];
  const form = useLacked(desk.lacked.value, fieldOf);
  useInView(desk.turned.value || null, form); // all of it, or its beginning where the screen is too low for all
  const idCheck = desk.timeline.value?.session.id_check;
  return (
    <form
      ref={form}
      class="verdict"
      aria-labelledby="verdict-heading"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void desk.confirm();
      }}
    >
      <h2 id="verdict-heading">{en.verdict.heading}</h2>
      {idCheck !== undefined && isUndecided(idCheck) && (
        <p class="hint">
          {en.verdict.idCheckOpen}{" "}
          <a href={`/console/identity?session=${encodeURIComponent(desk.session.value ?? "")}`}>
            {en.idCheck.open}
          </a>
        </p>
      )}
      <Sentences
        offered={offeredForSession(desk.draft.value)}
        chosen={(said) => desk.draft.value.reasons.split("\n").includes(said)}
        choose={(number) => desk.reason(number)}
      />
      <Outcomes desk={desk} lacking={lacks.some(({ what }) => what === "outcome")} />
      <Effects desk={desk} review={review} />
      <Reasons
        desk={desk}
        lacking={lacks.some(({ what }) => OF_REASONS.includes(what))}
      />
      <Lacks desk={desk} lacks={lacks} />
      {desk.trouble.value !== null && <Trouble words={desk.trouble.value} />}
      <button type="submit">
        {en.verdict.submit} <kbd>Enter</kbd>
      </button>
      {desk.waiting.value !== null && <Waiting what={desk.waiting.value} />}
      <Sure desk={desk} review={review} />
    </form>
  );
}

/** The field that a lack is about. A flag's is not in the form: the desk has turned to it. */
function fieldOf(form: HTMLFormElement, { what }: Missing): HTMLElement | null {
  switch (what) {
    case "outcome":
      return form.querySelector("input[type=radio]");
    case "untrue":
      // Another sentence is what it needs: here the keys 1 to 9 still choose one.
      return form.querySelector(".sentences [aria-pressed=true]") ?? form.querySelector("textarea");
    default:
      return OF_REASONS.includes(what) ? form.querySelector("textarea") : null;
  }
}

function Outcomes({ desk, lacking }: { desk: Desk; lacking: boolean }) {
  const draft = desk.draft.value;
  return (
    <fieldset aria-describedby={lacking ? "lacks" : undefined}>
      <legend>{en.verdict.outcome}</legend>
      {OUTCOMES.map((outcome) => (
        <label key={outcome}>
          <input
            type="radio"
            name="outcome"
            value={outcome}
            checked={draft.outcome === outcome}
            onChange={() => desk.write({ outcome })}
          />
          <span>
            <strong>{en.outcome[outcome]}</strong> {en.outcomeHint[outcome]}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** Before anything is sent: what this verdict will do, and whether it fits its flags. */
function Effects({ desk, review }: { desk: Desk; review: Review }) {
  const { outcome } = desk.draft.value;
  const odd = doubt(desk.draft.value);
  const said = useInView<HTMLDivElement>(desk.turned.value ? outcome : null);
  return (
    <div aria-live="polite" ref={said}>
      {outcome !== null && (
        <Notice needs={outcome === "breach"}>
          {en.verdict.effect[effectOf(review, outcome)]} {odd !== null && en.verdict.doubt[odd]}
        </Notice>
      )}
    </div>
  );
}

function Reasons({ desk, lacking }: { desk: Desk; lacking: boolean }) {
  return (
    <label>
      {en.verdict.reasons}
      <textarea
        name="reasons"
        rows={4}
        // Room to go over, so that a paste is not cut in silence.
        maxLength={REASONS_MOST * 2}
        value={desk.draft.value.reasons}
        aria-describedby={lacking ? "lacks reasons-hint" : "reasons-hint"}
        aria-invalid={lacking ? "true" : undefined}
        onInput={(event) => desk.write({ reasons: event.currentTarget.value })}
        onKeyDown={(event) => {
          // In the field the keys 1 to 9 are digits: this gives them back to the sentences.
          if (event.key === "Escape" && !event.isComposing) event.currentTarget.blur();
        }}
      />
      <small id="reasons-hint">{en.verdict.reasonsHint}</small>
    </label>
  );
}

/** What the form lacks, in words; beside the flags too, because the desk turns to them. */
export function Lacks({ desk, lacks }: { desk: Desk; lacks: Missing[] }) {
  const number = (lack: Missing) =>
    "flag" in lack ? desk.flags.value.findIndex(({ flag }) => flag === lack.flag) + 1 : 0;
  return (
    <div id="lacks" role="alert">
      {lacks.length > 0 && (
        <Notice needs>
          <p>
            <strong>{en.verdict.missingHeading}</strong>
          </p>
          <ul>
            {lacks.map((lack) => (
              <li key={`${lack.what} ${number(lack)}`}>{en.verdict.missing(lack, number(lack))}</li>
            ))}
          </ul>
        </Notice>
      )}
    </div>
  );
}

/** Asks once more: a breach is signed and stays. */
function Sure({ desk, review }: { desk: Desk; review: Review }) {
  const back = () => (desk.asking.value = false);
  return (
    <Dialog open={desk.asking.value} heading={en.verdict.confirmHeading} onClose={back}>
      <p>{en.verdict.confirmBody}</p>
      <p>{en.verdict.effect[effectOf(review, "breach")]}</p>
      <footer>
        <button type="button" class="secondary" onClick={back}>
          {en.verdict.goBack}
        </button>
        <button type="button" class="final" onClick={() => void desk.confirm(true)}>
          {en.verdict.confirm}
        </button>
      </footer>
    </Dialog>
  );
}

export function AfterVerdict({ desk, recorded }: { desk: Desk; recorded: Recorded }) {
  const onward = useRef<HTMLButtonElement>(null);
  // The form that had the focus is gone; Enter brings the next session.
  useEffect(() => onward.current?.focus(), []);
  const { outcome, review } = recorded;
  const next = desk.next.value;
  return (
    <section role="status" class={isSettled(review) ? "notice" : "notice needs"}>
      <p>
        <strong>{en.verdict.recorded(en.outcome[outcome])}</strong> {en.verdict.after[review.state]}
      </p>
      {next !== null && (
        <button type="button" ref={onward} onClick={() => void desk.open(next.session)}>
          {en.verdict.next(next.learner)}
        </button>
      )}
      <button
        type="button"
        class="secondary"
        ref={next === null ? onward : null}
        onClick={() => desk.toQueue()}
      >
        {en.verdict.toQueue}
      </button>
    </section>
  );
}

function isSettled({ state }: Review): boolean {
  return state === "decided" || state === "final";
}
