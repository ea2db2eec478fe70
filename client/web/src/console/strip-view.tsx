import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Flag, Snapshot, Timeline } from "../api";
import { desk as words } from "../text/desk";
import { en } from "../text/en";
import { clock } from "../text/when";
import { ClassMark } from "../ui/notices";
import type { Desk } from "./desk";
import { CELL_PX, nameOf, numbers, partOf, placeOf, scrolledTo } from "./strip";
import { kindOf } from "./timeline";

interface Props {
  desk: Desk;
  timeline: Timeline;
  zone: string;
}

/** All thumbnails of a session, of which only those in view are in the page. */
export function Strip({ desk, timeline, zone }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const shots = desk.shots.value;
  const [part, setPart] = useState({ from: 0, to: 0 });
  const places = useMemo(() => numbers(timeline.snapshots), [timeline]);
  const flagged = useMemo(() => flagsByShot(desk.flags.value), [timeline]);
  const current = desk.shot.value;

  const look = () => {
    const element = box.current;
    if (element === null) return;
    const now = partOf(element.scrollLeft, element.clientWidth, shots.length);
    setPart((before) => (before.from === now.from && before.to === now.to ? before : now));
  };
  const centre = () => {
    const element = box.current;
    if (element === null) return;
    element.scrollLeft = scrolledTo(desk.shot.peek(), element.clientWidth);
    look();
  };
  useLayoutEffect(centre, [current, timeline]);
  useLayoutEffect(() => {
    if (box.current === null) return undefined;
    // Also once it has got its width: before, nothing could be in the middle of it.
    const watch = new ResizeObserver(centre);
    watch.observe(box.current);
    return () => watch.disconnect();
  }, [timeline]);

  const session = timeline.session.session;
  const seen = shots.slice(part.from, part.to);
  const held = seen.filter(({ blob }) => blob === "held");
  const sheets = new Set(held.map((shot) => placeOf(places.get(nameOf(shot)) ?? 0).sheet));
  return (
    <>
      <div ref={box} class="strip" onScroll={look}>
        <ol aria-label={en.snapshot.strip} style={{ width: `${shots.length * CELL_PX}px` }}>
          {seen.map((shot, at) => (
            <Thumb
              key={nameOf(shot)}
              desk={desk}
              session={session}
              shot={shot}
              index={part.from + at}
              number={places.get(nameOf(shot)) ?? 0}
              flags={flagged.get(nameOf(shot)) ?? NONE}
              here={current === part.from + at}
              count={shots.length}
              time={clock(shot.at_ms, zone)}
            />
          ))}
        </ol>
      </div>
      <Sheets desk={desk} session={session} sheets={[...sheets]} />
    </>
  );
}

/** Says which of the sheets in view are not there yet, or did not come. */
function Sheets({ desk, session, sheets }: { desk: Desk; session: string; sheets: readonly number[] }) {
  const found = sheets.map((sheet) => desk.looks.sheet(session, sheet).value);
  const failed = found.find((shown) => shown.is === "failed");
  const coming = found.some(({ is }) => is === "coming");
  return (
    <div class="sheets">
      <span role="status">{failed === undefined ? "" : words.picture.strip.failed[failed.why]}</span>
      {failed !== undefined && (
        <button
          type="button"
          class="quiet"
          onClick={() => sheets.forEach((sheet) => desk.looks.sheetAgain(session, sheet))}
        >
          {words.picture.again}
        </button>
      )}
      {failed === undefined && coming && <span class="coming">{words.picture.strip.coming}</span>}
    </div>
  );
}

const NONE: readonly Flag[] = [];

function flagsByShot(flags: readonly Flag[]): ReadonlyMap<string, Flag[]> {
  const found = new Map<string, Flag[]>();
  for (const flag of flags)
    for (const ref of flag.snapshots) {
      const name = nameOf(ref);
      found.set(name, [...(found.get(name) ?? []), flag]);
    }
  return found;
}

interface ThumbProps {
  desk: Desk;
  session: string;
  shot: Snapshot;
  index: number;
  number: number;
  flags: readonly Flag[];
  here: boolean;
  count: number;
  time: string;
}

function Thumb({ desk, session, shot, index, number, flags, here, count, time }: ThumbProps) {
  const words = flags.map((flag) => en.flags.kind(kindOf(flag), flag.rule));
  return (
    <li
      style={{ left: `${index * CELL_PX}px` }}
      // The others are not in the page: whoever can't see is told how many there are.
      aria-setsize={count}
      aria-posinset={index + 1}
    >
      <button
        type="button"
        class="thumb"
        // One stop for Tab; the arrows do the rest.
        tabindex={here ? 0 : -1}
        aria-current={here ? "true" : undefined}
        aria-label={en.snapshot.thumb(time, words)}
        onClick={() => desk.toShot(index)}
      >
        {shot.blob === "held" ? (
          <Cut desk={desk} session={session} number={number} />
        ) : (
          <span class="none" />
        )}
        <span>
          {time}
          {[...new Set(flags.map((flag) => flag.flag_class))].map((kind) => (
            <ClassMark key={kind} of={kind} />
          ))}
        </span>
      </button>
    </li>
  );
}

/** A thumbnail: its part of the sheet that it is on. */
function Cut({ desk, session, number }: { desk: Desk; session: string; number: number }) {
  const { sheet, x, y } = placeOf(number);
  const shown = desk.looks.sheet(session, sheet).value;
  if (shown.is !== "there") return <span class="none" />;
  return (
    <span
      class="cut"
      style={{ backgroundImage: `url("${shown.url}")`, backgroundPosition: `-${x}px -${y}px` }}
    />
  );
}
