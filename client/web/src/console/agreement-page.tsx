import { useState } from "preact/hooks";
import type { Agreement, FlagOutcomes, Kappa } from "../api";
import { desk as words } from "../text/desk";
import { Dialog } from "../ui/dialog";
import { Notice } from "../ui/notices";
import type { AgreementDesk } from "./agreement-desk";
import { ExportList } from "./exports";
import { Head, Waits } from "./head";
import { KeysDialog } from "./keys-dialog";
import { Marks } from "./marks";
import { SignIn } from "./sign-in";

const { columns, flags: flagWords } = words.agreement;

export function AgreementApp({ desk }: { desk: AgreementDesk }) {
  const who = desk.who.value;
  return (
    <>
      <Head desk={desk} here="agreement" />
      <main>
        {who.is === "nobody" ? (
          <SignIn desk={desk} heading={words.agreement.signIn} because={who.because} />
        ) : (
          <>
            {who.is === "in" && <Page desk={desk} />}
            <Waits desk={desk} again={() => void desk.load()} />
          </>
        )}
      </main>
      <KeysDialog list={words.agreement.keys} />
    </>
  );
}

function Page({ desk }: { desk: AgreementDesk }) {
  const exams = desk.exams.value;
  const agreement = desk.agreement.value;
  return (
    <article class="agreement">
      {desk.releases() ? (
        <h1>{words.agreement.ofCourseTeam}</h1>
      ) : (
        <>
          <h1>{words.agreement.heading}</h1>
          <p>{words.agreement.what}</p>
        </>
      )}
      {exams !== null && exams.length === 0 && <Notice>{words.agreement.noExams}</Notice>}
      {exams !== null && exams.length > 0 && (
        <label class="narrow-choice">
          {words.agreement.exam}
          <select
            value={desk.exam.value ?? ""}
            onChange={({ currentTarget: { value } }) => void desk.choose(value)}
          >
            {exams.map(({ id, title }) => (
              <option key={id} value={id}>
                {title}
              </option>
            ))}
          </select>
        </label>
      )}
      {desk.refused.value && !desk.releases() && <Notice>{words.agreement.forbidden}</Notice>}
      {agreement !== null && <Tables agreement={agreement} />}
      {desk.exam.value !== null && desk.releases() && <Marks desk={desk} />}
      {desk.exam.value !== null && desk.releases() && <Results desk={desk} />}
      {desk.exam.value !== null && desk.leads() && <Exports exam={desk.exam.value} />}
    </article>
  );
}

function Tables({ agreement: { sessions, decided, pairs, rules, flags } }: { agreement: Agreement }) {
  return (
    <>
      <p>{words.agreement.counted(decided, sessions)}</p>
      <Table
        heading={words.agreement.pairs}
        head={headOf(columns.pair)}
        none={words.agreement.none}
        rows={pairs.map((pair) => [words.agreement.pair(pair.one, pair.other), ...cellsOf(pair)])}
      />
      <Table
        heading={words.agreement.rules}
        head={headOf(columns.rule)}
        none={words.agreement.none}
        rows={rules.map((rule) => [rule.rule, ...cellsOf(rule)])}
      />
      <Table
        heading={flagWords.heading}
        head={Object.values(flagWords.columns)}
        none={flagWords.none}
        hint={flagWords.what}
        rows={flags.map(outcomeCells)}
      />
    </>
  );
}

function headOf(first: string): string[] {
  const { n, agree, kappa, interval, means } = columns;
  return [first, n, agree, kappa, interval, means];
}

function cellsOf(kappa: Kappa): string[] {
  const { share, number, interval, means } = words.agreement;
  return [
    String(kappa.n),
    share(kappa.agree),
    number(kappa.kappa),
    interval(kappa.low, kappa.high),
    means(kappa),
  ];
}

function outcomeCells(each: FlagOutcomes): string[] {
  const counts = [each.n, each.upheld, each.not_upheld, each.cannot_tell].map(String);
  const share = words.agreement.share(each.share);
  return [each.rule, ...counts, share, flagWords.interval(each.low, each.high)];
}

interface TableProps {
  heading: string;
  /** The names of the columns. */
  head: readonly string[];
  /** The first cell of a row names it. */
  rows: readonly (readonly string[])[];
  none: string;
  hint?: string;
}

function Table({ heading, head, rows, none, hint }: TableProps) {
  return (
    <section>
      <h2>{heading}</h2>
      {hint !== undefined && <p>{hint}</p>}
      {rows.length === 0 ? (
        <p>{none}</p>
      ) : (
        // Can be scrolled by the keyboard where the screen is narrow.
        <div class="table" role="region" tabIndex={0} aria-label={heading}>
          <table>
            <thead>
              <tr>
                {head.map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map(([name, ...cells]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  {cells.map((cell, place) => (
                    <td key={place}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** Lets learners see the results that nothing holds back. */
function Results({ desk }: { desk: AgreementDesk }) {
  const told = desk.released.value;
  const [sure, setSure] = useState(false);
  const exam = desk.exams.value?.find(({ id }) => id === desk.exam.value);
  const release = () => {
    setSure(false);
    void desk.release();
  };
  return (
    <section>
      <h2>{words.results.heading}</h2>
      <p>{words.results.what}</p>
      <button
        type="button"
        disabled={desk.waiting.value !== null}
        onClick={() => setSure(true)}
      >
        {words.results.submit}
      </button>
      <Dialog
        open={sure}
        heading={words.results.sureHeading(exam?.title ?? "")}
        onClose={() => setSure(false)}
      >
        <p>{words.results.sure}</p>
        <footer>
          <button type="button" class="secondary" onClick={() => setSure(false)}>
            {words.results.no}
          </button>
          <button type="button" class="final" onClick={release}>
            {words.results.yes}
          </button>
        </footer>
      </Dialog>
      <div role="status">
        {told.length > 0 && (
          <Notice>
            <ul>
              {told.map((each) => (
                <li key={each}>{each}</li>
              ))}
            </ul>
          </Notice>
        )}
      </div>
    </section>
  );
}

function Exports({ exam }: { exam: string }) {
  return (
    <section>
      <h2>{words.exports.heading}</h2>
      <ExportList exam={exam} />
      <p class="hint">{words.exports.hint}</p>
    </section>
  );
}
