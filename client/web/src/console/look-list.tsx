import type { Look } from "../api";
import { desk as words } from "../text/desk";
import { moment } from "../text/when";
import type { Desk } from "./desk";
import { toldOf } from "./looks";

/** Who looked at what, when and why. Fetched when somebody wants to know. */
export function LookList({ desk, zone }: { desk: Desk; zone: string }) {
  const seen = desk.seen.value;
  const timeline = desk.timeline.value;
  return (
    <details
      class="more"
      onToggle={(event) => {
        if (event.currentTarget.open) void desk.fetchLooks();
      }}
    >
      <summary>{words.looks.heading}</summary>
      {timeline !== null && <p class="hint">{words.looks.hint[toldOf(timeline)]}</p>}
      {seen !== null && <Looked looks={seen} now_ms={Date.now()} zone={zone} />}
    </details>
  );
}

export function Looked({ looks, now_ms, zone }: { looks: readonly Look[]; now_ms: number; zone: string }) {
  if (looks.length === 0) return <p>{words.looks.none}</p>;
  return (
    <ul class="looked">
      {looks.map((look) => (
        <li key={`${look.by} ${look.what} ${look.why} ${look.at_ms}`}>
          {moment(look.at_ms, now_ms, zone)}: {words.looks.words(look)}
        </li>
      ))}
    </ul>
  );
}
