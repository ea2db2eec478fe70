import type { Timeline } from "../api";
import { en } from "../text/en";

/** Every second that was given or taken, with its cause. */
export function LedgerList({ timeline }: { timeline: Timeline }) {
  if (timeline.ledger.length === 0) return <p>{en.session.ledgerEmpty}</p>;
  const titles = new Map(timeline.session.sections.map(({ id, title }) => [id, title]));
  return (
    <ul>
      {timeline.ledger.map((entry) => (
        <li key={`${entry.section} ${entry.at_ms} ${entry.cause}`}>
          {en.session.ledger(entry, titles.get(entry.section) ?? entry.section)}
        </li>
      ))}
    </ul>
  );
}
