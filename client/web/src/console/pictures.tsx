import type { Face, Snapshot, Timeline } from "../api";
import { desk as words } from "../text/desk";
import { en } from "../text/en";
import { clock } from "../text/when";
import { BoxedPicture } from "./boxed-picture";
import { type Desk, SPEEDS } from "./desk";
import type { Looks } from "./looks";
import { Strip } from "./strip-view";
import { checkInFace, roomAt } from "./timeline";

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
          <Picture looks={desk.looks} session={session} shot={shot} alt={en.snapshot.alt(time)} boxes />
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
              <Picture
                looks={desk.looks}
                session={session}
                shot={face}
                alt={en.snapshot.checkInAlt}
              />
            )}
            <figcaption>
              <strong>{en.snapshot.checkIn}</strong>
            </figcaption>
          </figure>
          {room !== null && (
            <figure class="face">
              <Picture
                looks={desk.looks}
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
      <Strip desk={desk} timeline={timeline} zone={zone} />
    </section>
  );
}

function Steps({ desk }: { desk: Desk }) {
  const { previous, next, play, pause, speed, speeds } = en.snapshot;
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
      <button type="button" class="secondary" onClick={() => desk.markHere()}>
        {words.comment.open} <kbd>m</kbd>
      </button>
      <label>
        {speed}
        <select
          value={desk.speed.value}
          onChange={({ currentTarget: { value } }) => {
            desk.speed.value = SPEEDS.find((each) => each === Number(value)) ?? 1;
          }}
        >
          {SPEEDS.map((each) => (
            <option key={each} value={each}>
              {speeds[each]}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

interface PictureProps {
  looks: Looks;
  session: string;
  shot: Pick<Snapshot, "blob" | "sha256"> & Partial<Snapshot>;
  alt: string;
  boxes?: boolean;
}

/** A picture, or in words why there is none. `boxes` draws where faces were found. */
export function Picture({ looks, session, shot, alt, boxes = false }: PictureProps) {
  if (shot.blob !== "held") return <p class="frame absent">{en.snapshot[shot.blob]}</p>;
  const faces = boxes ? (shot.observation?.faces ?? []) : [];
  return <Fetched looks={looks} session={session} sha256={shot.sha256} alt={alt} faces={faces} />;
}

interface FetchedProps {
  looks: Looks;
  session: string;
  sha256: string;
  alt: string;
  faces: readonly Face[];
}

function Fetched({ looks, session, sha256, alt, faces }: FetchedProps) {
  const shown = looks.picture(session, sha256).value;
  if (shown.is === "coming") return <p class="frame coming">{words.picture.coming}</p>;
  if (shown.is === "failed")
    return (
      <div class="frame absent">
        <p>{words.picture.failed[shown.why]}</p>
        <button type="button" class="quiet" onClick={() => looks.again(session, sha256)}>
          {words.picture.again}
        </button>
      </div>
    );
  const boxes = faces.map(([x, y, width, height]) => ({ x, y, width, height }));
  return <BoxedPicture url={shown.url} alt={alt} boxes={boxes} broken={en.snapshot.broken} />;
}
