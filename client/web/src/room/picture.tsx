import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { room } from "../text/room";
import { Trouble, Waiting } from "../ui/notices";
import { type Advice, adviceOn } from "./advice";
import type { Camera } from "./camera";
import type { Running } from "./running";
import type { Purpose } from "./state";
import { FaceAdvice, Heading, HeadingWithin } from "./stepper";
import { DOCUMENT, type Still, stillOfFile } from "./still";

interface Props {
  running: Running;
  purpose: Purpose;
  /** What is waited for, in words. */
  busy: string | null;
  onUse: (still: Still) => void;
  /** In a dialog, which says why it is open. */
  within?: boolean;
  /** Below the live picture. */
  children?: ComponentChildren;
}

/** One picture: live, then taken, then used or taken again. */
export function Picture({ running, purpose, busy, onUse, within = false, children }: Props) {
  const [still, setStill] = useState<Still | null>(null);
  const [from, setFrom] = useState<"camera" | "file">("camera");
  const [failed, setFailed] = useState<string | null>(null);
  const [taking, setTaking] = useState(false);
  const { reason, state } = running.device.view.value.id_check;
  const { capture } = running.device.joined;
  const size =
    purpose === "document"
      ? DOCUMENT
      : { width: capture.width, height: capture.height, quality: capture.jpeg_quality };

  function got(picture: Promise<Still>, from: "camera" | "file", words: string) {
    setFailed(null);
    setFrom(from);
    setTaking(true);
    picture.then(setStill, () => setFailed(words)).finally(() => setTaking(false));
  }

  const Title = within ? HeadingWithin : Heading;
  return (
    <>
      <Title of={`${purpose} ${still === null ? "" : "taken"}`}>
        {room.picture.heading[purpose]}
      </Title>
      {state === "retake" && (
        <div class="notice needs">
          <p>{room.retake}</p>
          {reason !== "" && <p>{reason}</p>}
        </div>
      )}
      {purpose !== "face" && <FaceAdvice running={running} />}
      {still === null ? (
        <>
          <p>{room.picture.how[purpose]}</p>
          <p class="hint">{room.picture.why[purpose]}</p>
          <Live
            camera={running.camera}
            taking={taking}
            onTake={() => got(running.camera.still(size), "camera", room.picture.noPicture)}
          />
          {purpose === "document" && (
            <Upload onFile={(file) => got(stillOfFile(file), "file", room.picture.notPicture)} />
          )}
          {taking && <Waiting what={room.picture.waitTaking} />}
          {failed !== null && <Trouble words={failed} />}
        </>
      ) : (
        <Taken
          still={still}
          advice={adviceOn(still.measured, purpose, from)}
          purpose={purpose}
          busy={busy}
          onUse={() => onUse(still)}
          onAgain={() => setStill(null)}
        />
      )}
      {still === null && children}
    </>
  );
}

interface LiveProps {
  camera: Camera;
  taking: boolean;
  onTake: () => void;
}

function Live({ camera, taking, onTake }: LiveProps) {
  const state = camera.state.value;
  if (state === "off")
    return (
      <p>
        <button type="button" onClick={() => void camera.open()}>
          {room.picture.turnOn}
        </button>
      </p>
    );
  if (state === "asking")
    return (
      <p role="status" class="notice">
        {room.picture.asks}
      </p>
    );
  if (state !== "on")
    return <Trouble words={room.camera.trouble[state]} again={() => void camera.open()} />;
  return (
    <div class="shot">
      <Preview camera={camera} />
      <button type="button" disabled={taking} onClick={onTake}>
        {room.picture.take}
      </button>
    </div>
  );
}

export function Preview({ camera }: { camera: Camera }) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => (video.current === null ? undefined : camera.show(video.current)), [camera]);
  return <video ref={video} class="preview" muted playsInline aria-label={room.picture.live} />;
}

interface TakenProps {
  still: Still;
  advice: Advice;
  purpose: Purpose;
  busy: string | null;
  onUse: () => void;
  onAgain: () => void;
}

function Taken({ still, advice, purpose, busy, onUse, onAgain }: TakenProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    // A canvas, because an <img> would need an address that the page's rules refuse.
    void draw(still, canvas.current);
  }, [still]);
  return (
    <div class="shot">
      <canvas ref={canvas} class="preview" role="img" aria-label={room.picture.taken[purpose]} />
      <p role="status" class={advice === null ? "hint" : "notice needs"}>
        {words(advice, purpose)}
      </p>
      <p>{room.picture.look[purpose]}</p>
      <div class="steps">
        <button type="button" disabled={busy !== null} onClick={onUse}>
          {room.picture.use}
        </button>
        <button type="button" class="secondary" onClick={onAgain}>
          {room.picture.another}
        </button>
      </div>
      {busy !== null && <Waiting what={busy} />}
    </div>
  );
}

function words(advice: Advice, purpose: Purpose): string {
  if (advice === null) return room.picture.good;
  if (advice === "dark" && purpose === "document") return room.picture.adviceDocument.dark;
  return room.picture.advice[advice];
}

async function draw(still: Still, canvas: HTMLCanvasElement | null): Promise<void> {
  if (canvas === null) return;
  const picture = await createImageBitmap(new Blob([still.bytes], { type: still.type }));
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext("2d")?.drawImage(picture, 0, 0);
  picture.close();
}

function Upload({ onFile }: { onFile: (file: File) => void }) {
  return (
    <details>
      <summary>{room.picture.upload}</summary>
      <label>
        {room.answer.file}
        <input
          type="file"
          accept="image/jpeg,image/png"
          aria-describedby="upload-hint"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            if (file !== undefined) onFile(file);
          }}
        />
        <small id="upload-hint">{room.picture.uploadHint}</small>
      </label>
    </details>
  );
}
