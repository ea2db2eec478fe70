import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { blobUrl, type Face, type Snapshot, type Timeline } from "../api";
import { en } from "../text/en";
import { clock } from "../text/when";
import { ClassMark } from "../ui/notices";
import type { Desk } from "./desk";
import { checkInFace, flagsOn, kindOf, roomAt } from "./timeline";

/** Thumbnails on each side of the current one. Each is a whole picture: the strip asks for few. */
const AROUND = 8;

interface Props {
  desk: Desk;
  timeline: Timeline;
  zone: string;
}

export function Pictures({ desk, timeline, zone }: Props) {
  const shots = desk.shots.value;
  const index = desk.shot.value;
  const shot = shots[index];
  const session = timeline.session.session;
  const face = checkInFace(timeline.snapshots);
  if (shot === undefined) return <p class="hint">{en.timeline.none}</p>;
  const time = clock(shot.at_ms, zone);
  const room = roomAt(timeline.snapshots, shot.at_ms);
  return (
    <section class="pictures" aria-label={en.timeline.lanes.snapshots}>
      <div class="pair">
        <figure>
          <Picture session={session} shot={shot} alt={en.snapshot.alt(time)} boxes />
          <figcaption>
            <strong>{time}</strong> {en.snapshot.of(index + 1, shots.length)}
            <span class="observed">{en.snapshot.observed(shot.observation)}</span>
          </figcaption>
        </figure>
        <div>
          <figure class="face">
            {face === null ? (
              <p class="frame absent">{en.snapshot.noCheckIn}</p>
            ) : (
              <Picture session={session} shot={face} alt={en.snapshot.checkInAlt} />
            )}
            <figcaption>
              <strong>{en.snapshot.checkIn}</strong>
            </figcaption>
          </figure>
          {room !== null && (
            <figure class="face">
              <Picture
                session={session}
                shot={room}
                alt={en.snapshot.roomAlt(clock(room.at_ms, zone))}
              />
              <figcaption>
                <strong>{en.snapshot.room}</strong> {clock(room.at_ms, zone)}
              </figcaption>
            </figure>
          )}
        </div>
      </div>
      <Steps desk={desk} />
      <Strip desk={desk} session={session} zone={zone} />
    </section>
  );
}

function Steps({ desk }: { desk: Desk }) {
  const { previous, next, play, pause } = en.snapshot;
  return (
    <div class="steps">
      <button type="button" class="secondary" onClick={() => desk.stepShot(-1)}>
        {previous} <kbd>←</kbd>
      </button>
      <button type="button" class="secondary" onClick={() => desk.play()}>
        {desk.playing.value ? pause : play}
      </button>
      <button type="button" class="secondary" onClick={() => desk.stepShot(1)}>
        {next} <kbd>→</kbd>
      </button>
    </div>
  );
}

interface PictureProps {
  session: string;
  shot: Snapshot;
  alt: string;
  boxes?: boolean;
}

/** A picture, or in words why there is none. `boxes` draws where faces were found. */
export function Picture({ session, shot, alt, boxes = false }: PictureProps) {
  const [size, setSize] = useState<readonly [number, number] | null>(null);
  const [broken, setBroken] = useState<string | null>(null);
  if (shot.blob !== "held") return <p class="frame absent">{en.snapshot[shot.blob]}</p>;
  if (broken === shot.sha256) return <p class="frame absent">{en.snapshot.broken}</p>;
  return (
    <div class="frame">
      <img
        src={blobUrl(session, shot.sha256)}
        alt={alt}
        onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
          setSize([naturalWidth, naturalHeight])
        }
        onError={() => setBroken(shot.sha256)}
      />
      {boxes && size !== null && <Boxes size={size} faces={shot.observation?.faces ?? []} />}
    </div>
  );
}

function Boxes({ size: [width, height], faces }: { size: readonly [number, number]; faces: Face[] }) {
  return (
    <svg class="boxes" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      {faces.map(([x, y, w, h]) => (
        <g key={`${x} ${y}`}>
          <rect class="under" x={x} y={y} width={w} height={h} vector-effect="non-scaling-stroke" />
          <rect x={x} y={y} width={w} height={h} vector-effect="non-scaling-stroke" />
        </g>
      ))}
    </svg>
  );
}

function Strip({ desk, session, zone }: { desk: Desk; session: string; zone: string }) {
  const list = useRef<HTMLOListElement>(null);
  const current = desk.shot.value;
  const from = Math.max(0, current - AROUND);
  useLayoutEffect(() => {
    const here = list.current?.querySelector<HTMLElement>("[aria-current]");
    if (list.current === null || here === null || here === undefined) return;
    list.current.scrollLeft = here.offsetLeft - (list.current.clientWidth - here.offsetWidth) / 2;
  }, [current, session]);
  return (
    <ol ref={list} class="strip" aria-label={en.snapshot.strip}>
      {desk.shots.value.slice(from, current + AROUND + 1).map((shot, place) => (
        <li key={`${shot.device} ${shot.seq}`}>
          <Thumb desk={desk} session={session} zone={zone} shot={shot} index={from + place} />
        </li>
      ))}
    </ol>
  );
}

interface ThumbProps {
  desk: Desk;
  session: string;
  zone: string;
  shot: Snapshot;
  index: number;
}

function Thumb({ desk, session, zone, shot, index }: ThumbProps) {
  const flags = flagsOn(desk.flags.value, shot);
  const here = desk.shot.value === index;
  const time = clock(shot.at_ms, zone);
  const words = flags.map((flag) => en.flags.kind(kindOf(flag), flag.rule));
  return (
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
        <img src={blobUrl(session, shot.sha256)} alt="" loading="lazy" width={96} height={72} />
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
  );
}
