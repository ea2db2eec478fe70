import { useState } from "preact/hooks";
import { room } from "../text/room";
import { clock, lengthWords } from "../text/when";
import { Dialog } from "../ui/dialog";
import { Trouble } from "../ui/notices";
import { Told } from "./acts-told";
import { AgainCard } from "./again-card";
import { AskedFor } from "./asked-for";
import { askedNow, askWords } from "./asks";
import { Preview } from "./picture";
import { SecondCameraLost } from "./second-camera-step";
import type { Running } from "./running";
import { offlineWords } from "./status-words";

/** A clock that is wrong by more is worth a word: the times here would puzzle. */
const CLOCK_OFF_MS = 5 * 60_000;

interface Props {
  running: Running;
  zone: string;
  /** In a section: the camera too, and the state of what is saved. */
  working?: boolean;
}

/** The one line that has everything that can go wrong, in words. */
export function Status({ running, zone, working = false }: Props) {
  const { trouble, server_full } = running.device.line.value;
  return (
    <section class="status" aria-label={room.status.label}>
      {working && (
        <p class="line">
          <Saved running={running} zone={zone} />
          <CameraWord running={running} />
        </p>
      )}
      <p role="status">
        {server_full
          ? room.status.serverFull
          : running.offline.value &&
            offlineWords(running.device.joined.policy, running.screen.value.is)}
      </p>
      {trouble === "storage-full" && <Trouble words={room.status.storageFull} />}
      {trouble === "refused" && <Trouble words={room.status.refusedLog} />}
      <div class="calls">
        {working && <Asked running={running} />}
        <AgainCard running={running} />
        <Told running={running} zone={zone} />
      </div>
      {working && <CameraTrouble running={running} />}
      <SecondCameraLost running={running} />
      <AskedFor running={running} zone={zone} />
      <ClockOff running={running} />
    </section>
  );
}

/** Of the answers alone: pictures come and go all the time, and would make the line flicker. */
function Saved({ running, zone }: { running: Running; zone: string }) {
  const { received_at_ms } = running.device.line.value;
  const least = running.answers.least();
  if (least !== "received") return <span>{room.status[least]}</span>;
  return (
    <span>
      {room.status.received(received_at_ms === null ? null : clock(received_at_ms, zone, false))}
    </span>
  );
}

/** The picture itself is shown on demand: one's own face is a distraction. */
function CameraWord({ running }: { running: Running }) {
  const [shown, setShown] = useState(false);
  const state = running.camera.state.value;
  const every = lengthWords(running.device.joined.capture.snapshot_every_s * 1000);
  return (
    <span>
      {room.camera.words[state]}
      {state === "on" && (
        <button type="button" class="quiet" onClick={() => setShown(true)}>
          {room.camera.show}
        </button>
      )}
      <Dialog open={shown} heading={room.camera.heading} onClose={() => setShown(false)}>
        <Preview camera={running.camera} />
        <p>{room.camera.rule(every)}</p>
        <footer>
          <button type="button" onClick={() => setShown(false)}>
            {room.close}
          </button>
        </footer>
      </Dialog>
    </span>
  );
}

/** What the pictures lack, while they lack it. */
function Asked({ running }: { running: Running }) {
  const asks = running.device.view.value.asks ?? [];
  // Without a camera there is no picture to speak of, and that is said already.
  const words = running.camera.state.value === "on" ? askWords(askedNow(asks)) : "";
  return (
    <div class="asks" role="status">
      {words !== "" && <p class="notice needs">{words}</p>}
    </div>
  );
}

/** Asked for, and never in the way. */
function CameraTrouble({ running }: { running: Running }) {
  const state = running.camera.state.value;
  if (state === "on" || state === "off" || state === "asking") return null;
  return (
    <Trouble
      words={`${room.camera.trouble[state]} ${room.camera.working}`}
      again={() => void running.camera.open()}
    />
  );
}

function ClockOff({ running }: { running: Running }) {
  running.now_ms.value; // looked at again with every tick
  const offset_ms = running.device.clock.offsetMs() ?? 0;
  if (Math.abs(offset_ms) < CLOCK_OFF_MS) return null;
  const length = lengthWords(Math.round(Math.abs(offset_ms) / 60_000) * 60_000);
  return <p class="hint">{room.status.clockOff(length, offset_ms < 0)}</p>;
}
