import { useEffect } from "preact/hooks";
import { room } from "../text/room";
import { Dialog } from "../ui/dialog";
import type { AgainTold } from "./again";
import { Later } from "./later";
import type { Running } from "./running";
import { openSection } from "./state";

/** That new pictures are asked for, and what became of them; no dialog comes up by itself. */
export function AgainCard({ running }: { running: Running }) {
  return (
    <div class="asks" role="status">
      <Card running={running} />
    </div>
  );
}

/** To wait takes nothing of the learner: it is a line, and covers nothing where it is narrow. */
const LOOK: Record<AgainTold, string | undefined> = {
  asked: "notice needs",
  waiting: undefined,
  accepted: "notice",
  needless: "notice",
  refused: "notice needs",
};

function Card({ running }: { running: Running }) {
  const { again, device } = running;
  const told = again.told.value;
  const { id_check, state } = device.view.value;
  const acts = running.acts.value;
  useEffect(() => {
    // The card says it, and with what to do.
    if (told === null) return;
    running.notes.readActs(acts.filter(({ kind }) => kind === "ask-id").map(({ id }) => id));
  }, [told, acts]);
  if (told === null) return null;
  const { words, take } = room.idAgain;
  if (told === "asked" && again.later.value) {
    return (
      <button type="button" class="secondary" onClick={() => again.show(true)}>
        {take}
      </button>
    );
  }
  if (told === "refused" && again.later.value) return null;
  const settled = told === "accepted" || told === "needless";
  const working = state === "running" && openSection(device.view.value) !== null;
  return (
    <div class={LOOK[told]}>
      <p>
        {words[told]} {id_check.reason !== "" && !settled && <q>{id_check.reason}</q>}
      </p>
      {!settled && <p>{working ? room.idAgain.working : room.idAgain.resting}</p>}
      {told === "asked" && (
        <>
          <button type="button" onClick={() => again.show(true)}>
            {take}
          </button>{" "}
          <button type="button" class="secondary" onClick={() => (again.later.value = true)}>
            {room.idAgain.later}
          </button>
        </>
      )}
      {(settled || told === "refused") && (
        <button type="button" class="secondary" onClick={() => again.read()}>
          {room.acts.read}
        </button>
      )}
    </div>
  );
}

const step = () => import("./again-step").then(({ AgainStep }) => AgainStep);

/** The step itself, over whatever screen there is; its code comes when it is opened. */
export function AgainDialog({ running }: { running: Running }) {
  const { again } = running;
  return (
    <Dialog open={again.open.value} heading={room.idAgain.heading} onClose={() => again.show(false)}>
      <Later fetch={step} what={room.idAgain.wait} given={{ running }} />
      <footer>
        <button type="button" class="secondary" onClick={() => again.show(false)}>
          {room.close}
        </button>
      </footer>
    </Dialog>
  );
}
