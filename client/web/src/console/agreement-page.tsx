import type { Agreement, Kappa } from "../api";
import { desk as words } from "../text/desk";
import { Notice } from "../ui/notices";
import type { AgreementDesk } from "./agreement-desk";
import { ExportList } from "./exports";
import { Head, Waits } from "./head";
import { KeysDialog } from "./keys-dialog";
import { SignIn } from "./sign-in";

const { columns } = words.agreement;

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
      <h1>{words.agreement.heading}</h1>
      <p>{words.agreement.what}</p>
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
      {desk.refused.value && <Notice>{words.agreement.forbidden(desk.leads())}</Notice>}
      {agreement !== null && <Tables agreement={agreement} />}
      {desk.exam.value !== null && desk.leads() && <Exports exam={desk.exam.value} />}
    </article>
  );
}

function Tables({ agreement: { pairs, rules } }: { agreement: Agreement }) {
  return (
    <>
      <Table
        heading={words.agreement.pairs}
        first={columns.pair}
        rows={pairs.map((pair) => [words.agreement.pair(pair.one, pair.other), pair])}
      />
      <Table
        heading={words.agreement.rules}
        first={columns.rule}
        rows={rules.map((rule) => [rule.rule, rule])}
      />
    </>
  );
}

interface TableProps {
  heading: string;
  first: string;
  rows: readonly (readonly [string, Kappa])[];
}

function Table({ heading, first, rows }: TableProps) {
  return (
    <section>
      <h2>{heading}</h2>
      {rows.length === 0 ? (
        <p>{words.agreement.none}</p>
      ) : (
        // Can be scrolled by the keyboard where the screen is narrow.
        <div class="table" role="region" tabIndex={0} aria-label={heading}>
          <table>
            <thead>
              <tr>
                {[first, columns.n, columns.agree, columns.kappa, columns.interval, columns.means].map(
                  (column) => (
                    <th key={column} scope="col">
                      {column}
                    </th>
                  ),
                )}
              </tr>
            </thead>
            <tbody>
              {rows.map(([name, kappa]) => (
                <Row key={name} name={name} kappa={kappa} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Row({ name, kappa }: { name: string; kappa: Kappa }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{kappa.n}</td>
      <td>{words.agreement.share(kappa.agree)}</td>
      <td>{words.agreement.number(kappa.kappa)}</td>
      <td>{words.agreement.interval(kappa.low, kappa.high)}</td>
      <td>{words.agreement.means(kappa)}</td>
    </tr>
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
