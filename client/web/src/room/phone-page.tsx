import { effect } from "@preact/signals";
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { phone as words } from "../text/phone";
import { room, type TroubleWords } from "../text/room";
import { lengthWords } from "../text/when";
import { Trouble, Waiting } from "../ui/notices";
import type { Blocked } from "./blocked";
import { type Phone, PhoneSeat } from "./phone";
import { Heading } from "./stepper";

/** How often a page that waits for the server tries by itself. */
const AGAIN_MS = 5000;

/** Shows the phone's page in the place of the room's. */
export function open(token: string): void {
  const seat = new PhoneSeat(token);
  effect(() => {
    document.title = words.page.title(seat.phone.value?.device.joined.exam.title ?? null);
  });
  render(<Page seat={seat} />, document.body);
  void seat.open();
}

function Page({ seat }: { seat: PhoneSeat }) {
  const [phone, blocked] = [seat.phone.value, seat.blocked.value];
  return (
    <>
      <header>
        <p class="product">
          <strong>{room.product}</strong>{" "}
          {phone !== null && <span>{phone.device.joined.exam.title}</span>}
        </p>
      </header>
      <main class="way">
        {phone !== null ? (
          <Shown phone={phone} />
        ) : blocked !== null ? (
          <BlockedPhone seat={seat} blocked={blocked} />
        ) : (
          <Waiting what={words.page.opening} />
        )}
      </main>
    </>
  );
}

function BlockedPhone({ seat, blocked }: { seat: PhoneSeat; blocked: Blocked }) {
  const waits = blocked.code === "unreachable";
  useEffect(() => {
    if (!waits) return undefined;
    const timer = setInterval(() => void seat.open(), AGAIN_MS);
    return () => clearInterval(timer);
  }, [seat, waits]);
  const known: Readonly<Record<string, TroubleWords>> = words.page.blocked;
  return <Lines words={known[blocked.code] ?? words.page.blocked.unknown} />;
}

function Lines({ words: { heading, lines } }: { words: TroubleWords }) {
  return (
    <>
      <Heading of={heading}>{heading}</Heading>
      {lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
    </>
  );
}

/** One screen: what this does, how it stands, and the picture on demand. */
function Shown({ phone }: { phone: Phone }) {
  const state = phone.state.value;
  if (state === "over" || state === "replaced" || state === "stopped") {
    return <Lines words={words.page[state]} />;
  }
  const { exam, capture } = phone.device.joined;
  return (
    <>
      <Heading of="phone">{words.page.heading}</Heading>
      {exam.practice === true && <p class="notice">{room.practice}</p>}
      <p>{words.page.what(lengthWords(capture.snapshot_every_s * 1000).replace(/^1 /, ""))}</p>
      <p>{words.page.place}</p>
      <p class="hint">{words.page.who}</p>
      <p role="status" class={said(phone) === null ? undefined : "notice"}>
        {said(phone)}
      </p>
      <Controls phone={phone} />
      <p>{words.page.keep}</p>
      {phone.awake.value && <p class="hint">{words.page.noSleep}</p>}
      {phone.camera.state.value === "on" && <Picture phone={phone} />}
    </>
  );
}

function said(phone: Phone): string | null {
  const state = phone.state.value;
  switch (state) {
    case "waits":
      return phone.checkingIn.value ? words.page.state.first : words.page.state.waits;
    case "takes":
    case "offline":
    case "full":
      return words.page.state[state];
    default:
      if (phone.camera.state.value === "asking") return words.page.asks;
      return state === "no-camera" && phone.camera.state.value === "off"
        ? words.page.state.off
        : null;
  }
}

function Controls({ phone }: { phone: Phone }) {
  const [state, camera] = [phone.state.value, phone.camera.state.value];
  const start = () => void phone.start();
  if (camera === "asking") return null;
  if (camera !== "on" && camera !== "off") {
    return <Trouble words={words.page.trouble[camera]} again={start} />;
  }
  if (phone.busy.value) return <Waiting what={words.page.wait} />;
  if (phone.failed.value) return <Trouble words={words.page.failed} again={start} />;
  if (camera === "on" && state !== "fresh") return null;
  return (
    <p>
      <button type="button" onClick={start}>
        {words.page.start}
      </button>
    </p>
  );
}

function Picture({ phone }: { phone: Phone }) {
  const [shown, setShown] = useState(false);
  const [video, setVideo] = useState<HTMLVideoElement | null>(null);
  useEffect(() => (video === null ? undefined : phone.camera.show(video)), [phone, video]);
  return (
    <div class="shot">
      {shown && (
        <video ref={setVideo} class="preview" muted playsInline aria-label={words.page.live} />
      )}
      <button type="button" class="secondary" onClick={() => setShown(!shown)}>
        {shown ? words.page.hide : words.page.show}
      </button>
    </div>
  );
}
