import { useState } from "preact/hooks";
import { desk as words } from "../text/desk";
import { Notice } from "../ui/notices";
import type { Desk } from "./desk";
import { BUDGETS, names, type Whose, WHOSE } from "./queue";

/** What of the queue is shown, and how much time there is. */
export function Choices({ desk }: { desk: Desk }) {
  const { exams, exam, whose, budget_min, fits } = desk.list;
  const budget = budget_min.value;
  return (
    <>
      <div class="choices">
        <label>
          {words.budget.label}
          <select
            value={String(budget ?? "")}
            onChange={({ currentTarget: { value } }) =>
              (budget_min.value = value === "" ? null : Number(value))
            }
          >
            <option value="">{words.budget.any}</option>
            {BUDGETS.map((minutes) => (
              <option key={minutes} value={String(minutes)}>
                {words.budget.minutes(minutes)}
              </option>
            ))}
          </select>
        </label>
        <label>
          {words.queue.whose}
          <select
            value={whose.value}
            onChange={({ currentTarget: { value } }) => (whose.value = value as Whose)}
          >
            {WHOSE.map((one) => (
              <option key={one} value={one}>
                {words.queue.whoseWords[one]}
              </option>
            ))}
          </select>
        </label>
        {exams.value.length > 1 && (
          <label>
            {words.queue.exam}
            <select
              value={exam.value ?? ""}
              onChange={({ currentTarget: { value } }) => void desk.list.only(value || null)}
            >
              <option value="">{words.queue.everyExam}</option>
              {exams.value.map((each) => (
                <option key={each.exam} value={each.exam}>
                  {each.title}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      <p role="status">
        {budget !== null && fits.value !== null && words.budget.fits(fits.value.size, budget)}
      </p>
    </>
  );
}

/** Takes or gives what is chosen, one or many at once. */
export function Give({ desk }: { desk: Desk }) {
  const { chosen, told } = desk.list;
  return (
    <>
      <div role="status">
        {told.value.length > 0 && (
          <Notice>
            <ul>
              {told.value.map((each) => (
                <li key={each}>{each}</li>
              ))}
            </ul>
          </Notice>
        )}
      </div>
      {chosen.value.size > 0 && <GiveForm desk={desk} />}
    </>
  );
}

function GiveForm({ desk }: { desk: Desk }) {
  const { chosen, rows, reviewers } = desk.list;
  const [name, setName] = useState("");
  const [due, setDue] = useState("");
  const [lacking, setLacking] = useState(false);
  const sessions = [...chosen.value];
  const due_at_ms = due === "" ? undefined : new Date(due).getTime();
  return (
    <form
      class="give"
      aria-label={words.assign.chosen(sessions.length)}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setLacking(name.trim() === "");
        if (name.trim() !== "") void desk.list.give(sessions, name.trim(), due_at_ms);
      }}
    >
      <p>
        <strong>{words.assign.chosen(sessions.length)}</strong>
      </p>
      <button
        type="button"
        class="secondary"
        onClick={() => void desk.list.give(sessions, desk.me(), due_at_ms)}
      >
        {words.assign.take} <kbd>t</kbd>
      </button>
      <button
        type="button"
        class="secondary"
        onClick={() => void desk.list.give(sessions, null, due_at_ms)}
      >
        {words.assign.putBack}
      </button>
      <label>
        {words.assign.give}
        <input
          list="proctors"
          autocomplete="off"
          placeholder={words.assign.name}
          value={name}
          aria-invalid={lacking ? "true" : undefined}
          aria-describedby={lacking ? "give-lacks" : undefined}
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <datalist id="proctors">
          {names(rows.value ?? [], desk.me(), reviewers.value).map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      </label>
      <label>
        {words.assign.due} <small>{words.assign.dueHint}</small>
        <input
          type="datetime-local"
          value={due}
          onInput={(event) => setDue(event.currentTarget.value)}
        />
      </label>
      <button type="submit">{words.assign.submit}</button>
      <button type="button" class="quiet" onClick={() => (chosen.value = new Set())}>
        {words.assign.clear}
      </button>
      <div role="alert" id="give-lacks">
        {lacking && <p class="refused">{words.assign.needName}</p>}
      </div>
    </form>
  );
}
