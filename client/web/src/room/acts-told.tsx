import { useEffect, useState } from "preact/hooks";
import { room } from "../text/room";
import { clock } from "../text/when";
import { Dialog } from "../ui/dialog";
import { type Act, behind, permittedOf, unread } from "./acts";
import type { Running } from "./running";

interface Props {
  running: Running;
  zone: string;
}

/** What proctors did: said once, kept in view until it was read, and listed on demand. */
export function Told({ running, zone }: Props) {
  const [open, setOpen] = useState(false);
  const acts = running.acts.value;
  const carded = running.again.told.value !== null; // a card says it, with what to do
  const fresh = unread(acts, running.notes.read.value).filter(
    ({ kind }) => !(carded && kind === "ask-id"),
  );
  const close = () => setOpen(false);
  return (
    <>
      {/* The last alone: a list in a live region is said anew with every act. */}
      <p class="spoken" role="status">
        {fresh.at(-1)?.words} {fresh.at(-1)?.note}
      </p>
      {fresh.length > 0 && (
        <div class="notice">
          <List acts={fresh} zone={zone} />
          <button
            type="button"
            class="secondary"
            onClick={() => running.notes.readActs(fresh.map(({ id }) => id))}
          >
            {room.acts.read}
          </button>
        </div>
      )}
      {acts.length > 0 && (
        <button type="button" class="quiet" onClick={() => setOpen(true)}>
          {room.acts.open}
        </button>
      )}
      <Dialog open={open} heading={room.acts.open} onClose={close}>
        <List acts={acts} zone={zone} />
        <footer>
          <button type="button" onClick={close}>
            {room.close}
          </button>
        </footer>
      </Dialog>
    </>
  );
}

function List({ acts, zone }: { acts: readonly Act[]; zone: string }) {
  return (
    <ul class="acts">
      {acts.map((act) => (
        <li key={act.id}>
          <ActWords act={act} zone={zone} />
        </li>
      ))}
    </ul>
  );
}

function ActWords({ act, zone }: { act: Act; zone: string }) {
  return (
    <>
      {room.acts.at(clock(act.at_ms, zone, false), act.words)}{" "}
      {act.note !== "" && <q>{act.note}</q>}{" "}
      {act.undone && room.acts.undone}
    </>
  );
}

/** Why a screen stands there: so it is read, and no notice says it again. */
export function Why({ running, zone, of }: Props & { of: "paused" | "terminated" }) {
  const act = behind(running.acts.value, of);
  useEffect(() => {
    if (act !== null) running.notes.readActs([act.id]);
  }, [act?.id]);
  return (
    act && (
      <p class="notice">
        <ActWords act={act} zone={zone} />
      </p>
    )
  );
}

/** What this learner is granted: that it is, never why. */
export function Granted({ running }: { running: Running }) {
  const permitted = permittedOf(running.device.view.value);
  if (permitted.length === 0) return null;
  return (
    <section class="chapter">
      <h2>{room.acts.granted}</h2>
      <ul>
        {permitted.map((words) => (
          <li key={words}>{words}</li>
        ))}
      </ul>
    </section>
  );
}
