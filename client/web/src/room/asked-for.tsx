import { room } from "../text/room";
import { clock } from "../text/when";
import type { Running } from "./running";

/**
 * Another computer holds the link and asks: the first one is the one to say.
 *
 * No dialog: whoever asks must not be able to take the keyboard from a learner who is typing.
 */
export function AskedFor({ running, zone }: { running: Running; zone: string }) {
  const asking = running.device.view.value.asking?.[0];
  return (
    <div role="alert">
      {asking !== undefined && (
        <div class="notice needs">
          <h2>{room.asked.heading}</h2>
          <p>{room.asked.body(asking.device_kind, clock(asking.asked_at_ms, zone, false))}</p>
          <p>{room.asked.was}</p>
          <button type="button" onClick={() => void running.decide(asking.device, "admit")}>
            {room.asked.yes}
          </button>
          <button
            type="button"
            class="secondary"
            onClick={() => void running.decide(asking.device, "refuse")}
          >
            {room.asked.no}
          </button>
        </div>
      )}
    </div>
  );
}
