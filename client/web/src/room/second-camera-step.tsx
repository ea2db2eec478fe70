import { useEffect, useState } from "preact/hooks";
import { ProblemError, Unreachable } from "../api";
import { phone } from "../text/phone";
import { room } from "../text/room";
import { Dialog } from "../ui/dialog";
import { Trouble, Waiting } from "../ui/notices";
import { QrCode } from "./qr";
import type { Running } from "./running";
import { showsRoom, wantsPhone } from "./second-camera";
import { BackButton, Heading } from "./stepper";

/** Of the check-in: a phone becomes the second camera. */
export function SecondCameraStep({ running }: { running: Running }) {
  return (
    <>
      <Heading of="second-camera">{phone.step.heading}</Heading>
      <p>{phone.step.what}</p>
      <p class="hint">{phone.step.why}</p>
      <Connect running={running} />
      <div class="steps">
        <BackButton running={running} step="second-camera" />
        {showsRoom(running.device.view.value) && (
          <button type="button" onClick={() => running.checkIn.onward("second-camera")}>
            {room.goOn}
          </button>
        )}
      </div>
    </>
  );
}

/** In the room: a phone that was lost is asked for, and never in the way. */
export function SecondCameraLost({ running }: { running: Running }) {
  const [open, setOpen] = useState(false);
  const view = running.device.view.value;
  const shows = showsRoom(view);
  // Else it would come up by itself when the phone is lost again.
  useEffect(() => {
    if (shows) setOpen(false);
  }, [shows]);
  if (!wantsPhone(running.device.joined.policy)) return null;
  if (view.state !== "running" && view.state !== "ready") return null;
  const lost = !shows;
  return (
    <>
      <p role="status" class={lost ? "notice" : undefined}>
        {lost && phone.lost.words}
      </p>
      {lost && (
        <button type="button" class="secondary" onClick={() => setOpen(true)}>
          {phone.lost.again}
        </button>
      )}
      <Dialog open={open && lost} heading={phone.lost.heading} onClose={() => setOpen(false)}>
        <p>{phone.lost.how}</p>
        <Connect running={running} />
        <footer>
          <button type="button" class="secondary" onClick={() => setOpen(false)}>
            {room.close}
          </button>
        </footer>
      </Dialog>
    </>
  );
}

/** The code, asked for by a press: a new one ends the phone of the one before. */
function Connect({ running }: { running: Running }) {
  const [link, setLink] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const camera = running.device.view.value.second_camera ?? null;

  async function ask() {
    setBusy(true);
    setFailed(null);
    try {
      setLink(await running.device.secondCamera());
    } catch (error) {
      if (!(error instanceof ProblemError || error instanceof Unreachable)) throw error;
      const many = error instanceof ProblemError && error.code === "too-many-phones";
      setFailed(many ? phone.step.tooMany : phone.step.failed);
    } finally {
      setBusy(false);
    }
  }

  return (
    <>
      {link !== null && camera?.state === "asked" && (
        <>
          <QrCode of={link} label={phone.step.code} />
          <p>{phone.step.orType}</p>
          <pre>{link}</pre>
        </>
      )}
      {camera !== null && <p role="status">{phone.step.state[camera.state]}</p>}
      {failed !== null && <Trouble words={failed} />}
      {busy ? (
        <Waiting what={phone.step.wait} />
      ) : (
        <p>
          <button
            type="button"
            class={camera === null ? undefined : "secondary"}
            onClick={() => void ask()}
          >
            {camera === null ? phone.step.ask : phone.step.askAgain}
          </button>
        </p>
      )}
    </>
  );
}
