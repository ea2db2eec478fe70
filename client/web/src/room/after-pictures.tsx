import type { Snapshot } from "../api";
import { after } from "../text/after";
import { clock } from "../text/when";
import { Waiting } from "../ui/notices";
import type { After } from "./after";
import { usePicture } from "./after-flags";
import type { Afterwards } from "./afterwards";

interface Props {
  here: Afterwards;
  told: After;
  zone: string;
  place: number;
  onPlace: (place: number) => void;
}

/** All pictures, one at a time, in the order in which they were taken. */
export function Pictures({ here, told, zone, place, onPlace }: Props) {
  const { snapshots } = told;
  const last = snapshots.length - 1;
  const snapshot = snapshots[place];
  if (snapshot === undefined) {
    return (
      <section class="chapter" id="pictures">
        <h2>{after.pictures.heading}</h2>
        <p>{after.pictures.none}</p>
      </section>
    );
  }
  const time = clock(snapshot.at_ms, zone);
  return (
    <section class="chapter" id="pictures">
      <h2>{after.pictures.heading}</h2>
      <Picture here={here} snapshot={snapshot} time={time} />
      <label>
        <span>{after.pictures.label}</span>
        <input
          id="which-picture"
          type="range"
          min={0}
          max={last}
          value={place}
          aria-valuetext={after.pictures.at(time, place + 1, snapshots.length)}
          onInput={(event) => onPlace(Number(event.currentTarget.value))}
        />
      </label>
      <p>
        {after.pictures.at(time, place + 1, snapshots.length)}{" "}
        <span class="hint">{seenIn(snapshot)}</span>
      </p>
      <div class="steps">
        <button
          type="button"
          class="secondary"
          disabled={place === 0}
          onClick={() => onPlace(place - 1)}
        >
          {after.pictures.previous}
        </button>
        <button
          type="button"
          class="secondary"
          disabled={place >= last}
          onClick={() => onPlace(place + 1)}
        >
          {after.pictures.next}
        </button>
      </div>
    </section>
  );
}

interface PictureProps {
  here: Afterwards;
  snapshot: Snapshot;
  time: string;
}

function Picture({ here, snapshot, time }: PictureProps) {
  const { url, broken } = usePicture(here, snapshot);
  const { owed, erased, broken: cant, wait } = after.pictures;
  if (url !== null) {
    return (
      <p class="shown">
        <img src={url} alt={after.pictures.alt(snapshot.purpose, time)} />
      </p>
    );
  }
  if (snapshot.blob !== "held") {
    return <p class="shown none">{snapshot.blob === "erased" ? erased : owed}</p>;
  }
  return <div class="shown none">{broken ? cant : <Waiting what={wait} />}</div>;
}

/** What a program measured in a picture. */
function seenIn({ observation }: Snapshot): string {
  if (observation === null) return "";
  const { faces, dark, covered, frozen } = observation;
  const { pictures } = after;
  return pictures.seen(faces === null ? null : faces.length, [
    dark === true ? pictures.dark : "",
    covered === true ? pictures.covered : "",
    frozen === true ? pictures.frozen : "",
  ]);
}
