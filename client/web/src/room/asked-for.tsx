import { room } from "../text/room";
import { moment } from "../text/when";
import type { Running } from "./running";
import { hasEnded } from "./state";

/**
 * Another computer holds the link and asks: the first one is the one to say.
 *
 * No dialog: whoever asks must not be able to take the keyboard from a learner who is typing.
 */
export function AskedFor({ running, zone }: { running: Running; zone: string }) {
  const { asking: all, state } = running.device.view.value;
  const asking = all?.[0];
  const { over } = room.asked;
  const time = moment(asking?.asked_at_ms ?? 0, running.now_ms.value, zone);
  const [words, body] = hasEnded(state)
    ? [over, over.body(time)]
    : [room.asked, room.asked.body(asking?.device_kind ?? "", time)];
  return (
    <div role="alert">
      {asking !== undefined && (
        <div class="notice needs">
          <h2>{words.heading}</h2>
          <p>{body}</p>
          <p>{words.was}</p>
          <button type="button" onClick={() => void running.decide(asking.device, "admit")}>
            {words.yes}
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
