import type { CheckResult, IdCheckMade, IdDesk, Mrz } from "../api";
import { identity } from "../text/identity";
import { disagreementsFirst } from "./id-check";

/** What the machine compared: the result as a word and a sign, the reason, and how. */
export function IdChecks({ checks }: { checks: IdCheckMade[] }) {
  return (
    <section aria-labelledby="id-compared">
      <h2 id="id-compared">{identity.checks.heading}</h2>
      <p class="hint">{checks.length === 0 ? identity.checks.none : identity.checks.hint}</p>
      <ul class="id-checks">
        {disagreementsFirst(checks).map((check) => (
          <li key={check.check}>
            <Check check={check} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Check({ check }: { check: IdCheckMade }) {
  const measured = identity.checks.measured(check);
  return (
    <>
      <p>
        <Sign of={check.result} /> <strong>{identity.checks.name(check.check)}</strong>:{" "}
        <span class={`result ${check.result}`}>{identity.checks.result(check)}</span>
      </p>
      <p>{check.words}</p>
      {(measured !== "" || check.models.length > 0) && (
        <details>
          <summary>{identity.checks.how}</summary>
          {measured !== "" && <p>{measured}</p>}
          {check.models.map(({ name, version, sha256 }) => (
            <p key={sha256}>
              <code>{identity.checks.model(name, version, sha256)}</code>
            </p>
          ))}
        </details>
      )}
    </>
  );
}

const SIGNS: Record<CheckResult, string> = {
  agrees: "M2 8.5 6.5 13 14 3.5",
  differs: "M3 3 13 13M13 3 3 13",
  unsure: "M5 5.5a3 3 0 1 1 4.5 2.6C8.3 8.8 8 9.3 8 10.5M8 13v1",
  unavailable: "M3 8H13",
};

/** A shape to go with the word, because colour alone tells nobody. */
function Sign({ of }: { of: CheckResult }) {
  return (
    <svg class={`sign ${of}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={SIGNS[of]} />
    </svg>
  );
}

const FIELDS = [
  "surname",
  "given",
  "birth",
  "expiry",
  "number",
  "nationality",
  "issuer",
  "sex",
  "format",
] as const satisfies readonly (keyof Mrz)[];

/** What the document says, beside what the account says. */
export function IdReadings({ check: { reading, learner } }: { check: IdDesk }) {
  if (reading === null) return null;
  const { mrz, lines } = reading;
  const state = identity.reading.state(reading);
  return (
    <section aria-labelledby="id-read">
      <h2 id="id-read">{identity.reading.heading}</h2>
      {state !== "" && <p role={reading.state === "waiting" ? "status" : undefined}>{state}</p>}
      {reading.state !== "erased" && (
        <dl class="readings">
          <div>
            <dt>{identity.reading.account}</dt>
            <dd>{learner}</dd>
          </div>
          {mrz !== null &&
            FIELDS.map((field) => (
              <div key={field}>
                <dt>{identity.reading.fields[field]}</dt>
                <dd>
                  {mrz[field] || (field === "birth" && identity.reading.either(mrz.births)) ||
                    identity.reading.unread}
                  {mrz.failed.includes(field) && (
                    <span class="result differs"> ({identity.reading.failed})</span>
                  )}
                </dd>
              </div>
            ))}
        </dl>
      )}
      {mrz !== null && mrz.failed.length > 0 && (
        <p>
          <Sign of="differs" /> {identity.reading.failedDigits(mrz.failed)}
        </p>
      )}
      {reading.state === "read" && (
        <details open={mrz === null}>
          <summary>{identity.reading.lines}</summary>
          {lines.length === 0 ? <p>{identity.reading.noLines}</p> : <pre>{lines.join("\n")}</pre>}
        </details>
      )}
    </section>
  );
}
