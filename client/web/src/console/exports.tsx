import { useState } from "preact/hooks";
import { EXPORTS, exportUrl } from "../api";
import { desk as words } from "../text/desk";
import { Dialog } from "../ui/dialog";
import type { Desk } from "./desk";

/** The tables of an exam, and what each of them holds. */
export function ExportList({ exam }: { exam: string }) {
  return (
    <ul class="exports">
      {EXPORTS.map((what) => (
        <li key={what}>
          <a href={exportUrl(exam, what, "csv")} download>
            {words.exports.names[what]}
          </a>{" "}
          (
          <a href={exportUrl(exam, what, "json")} aria-label={words.exports.json(what)} download>
            JSON
          </a>
          ): {words.exports.holds[what]}
        </li>
      ))}
    </ul>
  );
}

/** The tables of an exam, from the list of reviews. */
export function ExportDialog({ desk }: { desk: Desk }) {
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState<string | null>(null);
  const exams = desk.list.exams.value;
  const exam = chosen ?? desk.list.exam.value ?? exams[0]?.exam ?? null;
  return (
    <>
      <button type="button" class="secondary" onClick={() => setOpen(true)}>
        {words.exports.open}
      </button>
      <Dialog open={open} heading={words.exports.heading} onClose={() => setOpen(false)}>
        {exam === null ? (
          <p>{words.exports.none}</p>
        ) : (
          <>
            <label>
              {words.queue.exam}
              <select value={exam} onChange={({ currentTarget: { value } }) => setChosen(value)}>
                {exams.map((each) => (
                  <option key={each.exam} value={each.exam}>
                    {each.title}
                  </option>
                ))}
              </select>
            </label>
            <ExportList exam={exam} />
            <p class="hint">{words.exports.hint}</p>
          </>
        )}
        <footer>
          <button type="button" class="secondary" onClick={() => setOpen(false)}>
            {words.exports.close}
          </button>
        </footer>
      </Dialog>
    </>
  );
}
