/** The report of a rehearsal, shown where an exam's receipt would stand. */

import { useEffect, useState } from "preact/hooks";
import { readiness, told } from "../text/readiness";
import { rehearse } from "../text/rehearse";
import { Waiting } from "../ui/notices";
import type { Device } from "./device";
import { examOf } from "./exam-link";
import { type Row, type Status, STATUSES } from "./readiness";
import { reported } from "./rehearsal";
import { Rehearse, tokenHere } from "./rehearse";
import { Heading } from "./stepper";

export function Readiness({ device }: { device: Device }) {
  const [rows, setRows] = useState<Row[] | null | undefined>(undefined);
  const exam = examOf(tokenHere());
  useEffect(() => void reported(device).then(setRows), [device]);
  if (rows === undefined) return <Waiting what={readiness.wait} />;
  return (
    <>
      {rows === null ? (
        <Heading of="readiness">{readiness.unsigned}</Heading>
      ) : (
        <Heading of="readiness">{readiness.heading(count(rows, "mend"))}</Heading>
      )}
      <p>{readiness.lead}</p>
      {STATUSES.map((status) => (
        <Group key={status} status={status} rows={rows ?? []} />
      ))}
      {rows !== null && <p class="hint">{readiness.signed}</p>}
      <section class="chapter">
        <h2>{readiness.next}</h2>
        <p>{readiness.back}</p>
        {rows !== null && count(rows, "mend") > 0 && <p>{readiness.again_hint}</p>}
        <Rehearse words={rehearse.again} exam={exam} />
        {exam !== null && (
          <p>
            <a class="as-button" href={`/join/${encodeURIComponent(exam)}`}>
              {readiness.toExam}
            </a>
          </p>
        )}
      </section>
    </>
  );
}

function count(rows: readonly Row[], of: Status): number {
  return rows.filter(({ status }) => status === of).length;
}

function Group({ status, rows }: { status: Status; rows: readonly Row[] }) {
  const these = rows.filter((row) => row.status === status);
  if (these.length === 0) return null;
  return (
    <section class="chapter">
      <h2>{readiness.groups[status]}</h2>
      <ul>
        {these.map((row) => {
          const { says, does } = told(row);
          return (
            <li key={row.check}>
              <strong>{readiness.names[row.check]}.</strong> {says} {does}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
