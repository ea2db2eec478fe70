import { useEffect, useRef, useState } from "preact/hooks";
import type { SectionView } from "../api";
import { room } from "../text/room";
import { clock, lengthWords } from "../text/when";
import { given, marksOf, passed, rounded } from "./countdown";
import type { Running } from "./running";

interface Props {
  running: Running;
  section: SectionView;
  zone: string;
}

/** When the section ends, said twice; it can be hidden, and speaks at a few marks all the same. */
export function Timer({ running, section, zone }: Props) {
  const { closes_at_ms, opened_at_ms } = section;
  const hidden = running.notes.timerHidden.value;
  const said = useAnnouncements(running, closes_at_ms, opened_at_ms, zone);
  if (closes_at_ms === null) return null;
  const left_ms = rounded(closes_at_ms - running.now_ms.value);
  const { length_ms, back } = given(running.device.view.value.ledger, section.id);
  return (
    <div class="timer">
      {hidden ? (
        <span>{said || room.work.hidden}</span>
      ) : (
        <span>
          {room.work.ends(clock(closes_at_ms, zone, false), zoneShort(closes_at_ms, zone))} ·{" "}
          {room.work.left(left_ms)}
          {length_ms > 0 && <small> ({room.work.given(lengthWords(length_ms), back)})</small>}
        </span>
      )}
      <button type="button" class="secondary" onClick={() => running.notes.hideTimer(!hidden)}>
        {hidden ? room.work.show : room.work.hide}
      </button>
      <span role="status" class="spoken">
        {said}
      </span>
    </div>
  );
}

/** What is said aloud: at half, 10, 5 and 1 minutes, and when the end has moved. */
function useAnnouncements(
  running: Running,
  closes_at_ms: number | null,
  opened_at_ms: number | null,
  zone: string,
): string {
  const [said, say] = useState("");
  const before = useRef({ left_ms: Number.NaN, closes_at_ms });
  const left_ms = closes_at_ms === null ? Number.NaN : closes_at_ms - running.now_ms.value;
  useEffect(() => {
    const last = before.current;
    before.current = { left_ms, closes_at_ms };
    if (closes_at_ms === null || opened_at_ms === null) return;
    const moved_ms = closes_at_ms - (last.closes_at_ms ?? closes_at_ms);
    // A second is rounding, not news.
    if (Math.abs(moved_ms) >= 1000) {
      say(room.work.moved(clock(closes_at_ms, zone, false)));
      return;
    }
    const length_ms = closes_at_ms - opened_at_ms;
    const mark = passed(last.left_ms, left_ms, marksOf(length_ms));
    if (mark === null) return;
    say(mark === length_ms / 2 ? room.work.half(rounded(left_ms)) : room.work.announced(mark));
  }, [left_ms, closes_at_ms]);
  return said;
}

/** "GMT+1": the zone's own short name, because times here are the reader's. */
function zoneShort(at_ms: number, zone: string): string {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeZoneName: "short" });
  return parts.formatToParts(at_ms).find(({ type }) => type === "timeZoneName")?.value ?? "";
}
