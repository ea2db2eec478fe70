import type { Report } from "../evidence/verify";
import { desk as words } from "../text/desk";
import { Dialog } from "../ui/dialog";
import { useState } from "preact/hooks";
import type { Desk } from "./desk";
import type { Badge } from "./evidence-badge";

/** Whether the evidence holds, as this page found out; a click tells how. */
export function EvidenceStatus({ desk, session }: { desk: Desk; session: string }) {
  const [open, setOpen] = useState(false);
  const badge = desk.evidence.badge.value;
  const done = badge.is === "verified" || badge.is === "refuted" || badge.is === "unavailable";
  return (
    <span class={`badge ${badge.is}`}>
      {done ? (
        <button type="button" class="quiet" onClick={() => setOpen(true)}>
          <Sign badge={badge} /> {words.badge.words(badge)}
        </button>
      ) : (
        words.badge.words(badge)
      )}
      <span role="status" class="spoken">
        {done ? words.badge.words(badge) : ""}
      </span>
      <Dialog open={open} heading={words.badge.words(badge)} onClose={() => setOpen(false)}>
        <Told badge={badge} />
        <footer>
          <button
            type="button"
            class="secondary"
            onClick={() => {
              setOpen(false);
              desk.evidence.verify(session, desk.why());
            }}
          >
            {words.badge.again}
          </button>
          <button type="button" onClick={() => setOpen(false)}>
            {words.badge.close}
          </button>
        </footer>
      </Dialog>
    </span>
  );
}

/** A tick, a cross, a question mark: colour alone tells nobody. */
function Sign({ badge }: { badge: Badge }) {
  const sign = badge.is === "verified" ? "✓" : badge.is === "refuted" ? "✗" : "?";
  return <span aria-hidden="true">{sign}</span>;
}

function Told({ badge }: { badge: Badge }) {
  if (badge.is === "unavailable")
    return <p>{badge.because === "no-ed25519" ? words.badge.noEd25519 : words.badge.unreachable}</p>;
  if (badge.is !== "verified" && badge.is !== "refuted") return null;
  const failed = badge.report.steps.find(({ held }) => !held);
  return (
    <>
      <p>
        {words.badge.inPage} {words.badge.took(badge.took_ms / 1000)}
      </p>
      {failed !== undefined && (
        <div class="notice needs">
          <p>
            {words.badge.failedStep(failed.number, failed.title, failed.detail)}{" "}
            {failed.device !== null && words.badge.where(failed.device, failed.record)}
          </p>
          <p>{words.badge.refutedNext}</p>
        </div>
      )}
      <Steps report={badge.report} />
    </>
  );
}

export function Steps({ report }: { report: Report }) {
  return (
    <>
      <h3>{words.badge.steps}</h3>
      <ol>
        {report.steps.map(({ number, title, held, detail }) => (
          <li key={number}>
            {title}: <strong>{held ? words.badge.held : words.badge.failed}</strong>. {detail}
          </li>
        ))}
        {report.not_tried.map((title) => (
          <li key={title}>
            {title}: {words.badge.notTried}
          </li>
        ))}
      </ol>
      <details>
        <summary>{words.badge.notProven}</summary>
        <ul>
          {report.not_proven.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      </details>
    </>
  );
}
