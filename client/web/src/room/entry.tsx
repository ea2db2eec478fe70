import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { room } from "../text/room";
import { Waiting } from "../ui/notices";
import { AgainDialog } from "./again-card";
import { Done, Ended } from "./done";
import { HandingIn, Paused, TimeUp } from "./hand-in";
import { HelpDialog } from "./help";
import { Later, useHash } from "./later";
import { Picture } from "./picture";
import { Room } from "./room";
import { Rules } from "./rules";
import type { Running } from "./running";
import type { Seat } from "./seat";
import { SecondCameraStep } from "./second-camera-step";
import { Sections } from "./sections";
import type { Purpose } from "./state";
import { Status } from "./status";
import { BackButton, Heading, Stepper } from "./stepper";
import { BlockedPage, JobTrouble, StoppedPage } from "./trouble";
import { Held, Ready, Refused } from "./waiting";

/** All of the learner's way: which screen it is, `state.ts` says. */
export function Entry({ seat, zone }: { seat: Seat; zone: string }) {
  const blocked = seat.blocked.value;
  const running = seat.running.value;
  if (blocked !== null)
    return (
      <Frame exam={running?.device.joined.exam.title ?? null}>
        <BlockedPage seat={seat} blocked={blocked} />
      </Frame>
    );
  if (running === null)
    return (
      <Frame exam={null}>
        <Waiting what={room.opening} />
      </Frame>
    );
  return <Open key={running} seat={seat} running={running} zone={zone} />;
}

interface FrameProps {
  exam: string | null;
  tools?: ComponentChildren;
  children: ComponentChildren;
}

function Frame({ exam, tools, children }: FrameProps) {
  return (
    <>
      <header>
        <p class="product">
          <strong>{room.product}</strong> {exam !== null && <span>{exam}</span>}
        </p>
        {tools}
      </header>
      <main class="way">{children}</main>
    </>
  );
}

/** Screens on which somebody can be asked. */
const HELPED = ["rules", "asking", "face", "document", "second-camera", "ready", "waiting", "sections", "paused"];

function Open({ seat, running, zone }: { seat: Seat; running: Running; zone: string }) {
  const [helping, setHelping] = useState(false);
  const screen = running.screen.value;
  const help = () => setHelping(true);
  const { exam } = running.device.joined;
  const tools = HELPED.includes(screen.is) && (
    <div class="tools">
      <button type="button" class="secondary" onClick={help}>
        {screen.is === "sections" ? room.help.open : room.help.openEarly}
      </button>
    </div>
  );
  return (
    <>
      {screen.is === "section" ? (
        <Room key={screen.section} running={running} zone={zone} onHelp={help} />
      ) : (
        <Frame exam={exam.title} tools={tools}>
          {exam.practice === true && <p class="notice">{room.practice}</p>}
          <Stepper running={running} />
          <Shown seat={seat} running={running} zone={zone} />
          <JobTrouble running={running} />
          {screen.is !== "stopped" && <Status running={running} zone={zone} />}
        </Frame>
      )}
      <AgainDialog running={running} />
      <HelpDialog running={running} zone={zone} open={helping} onClose={() => setHelping(false)} />
    </>
  );
}

function Shown({ seat, running, zone }: { seat: Seat; running: Running; zone: string }) {
  const screen = running.screen.value;
  switch (screen.is) {
    case "rules":
      return <Rules running={running} />;
    case "asking":
      return (
        <>
          <Heading of="asking">{room.asking.heading}</Heading>
          <Waiting what={room.asking.wait} />
        </>
      );
    case "face":
    case "document":
      return <Shot key={screen.is} running={running} purpose={screen.is} />;
    case "second-camera":
      return <SecondCameraStep running={running} />;
    case "ready":
      return <Ready running={running} />;
    case "waiting":
      return <Held running={running} zone={zone} />;
    case "id-refused":
      return <Refused running={running} />;
    case "sections":
      return <Sections running={running} zone={zone} />;
    case "time-up":
      return <TimeUp running={running} section={screen.section} />;
    case "paused":
      return <Paused running={running} zone={zone} />;
    case "handing-in":
      return <HandingIn running={running} />;
    case "done":
      if (running.device.joined.exam.practice === true) {
        return <Later fetch={report} what={room.report} given={{ device: running.device }} />;
      }
      return <Over running={running} zone={zone} how="done" />;
    case "terminated":
    case "expired":
      return <Over running={running} zone={zone} how={screen.is} />;
    case "stopped":
      return <StoppedPage seat={seat} why={screen.why} />;
    case "section":
      return null; // it has a page of its own
  }
}

/** A picture of the check-in, with the ways back and on. */
function Shot({ running, purpose }: { running: Running; purpose: Purpose }) {
  const { checkIn } = running;
  return (
    <Picture
      running={running}
      purpose={purpose}
      busy={running.busy.value}
      onUse={(still) => void checkIn.take(purpose, still)}
    >
      <div class="steps">
        <BackButton running={running} step={purpose} />
        {checkIn.hasPicture(purpose) && (
          <button type="button" class="secondary" onClick={() => checkIn.onward(purpose)}>
            {room.goOn}
          </button>
        )}
      </div>
    </Picture>
  );
}

const report = () => import("./readiness-page").then(({ Readiness }) => Readiness);
const seen = () => import("./after-page").then(({ AfterPage }) => AfterPage);

/** An exam that is over: how it ended, or what was seen in it. */
function Over({ running, zone, how }: { running: Running; zone: string; how: How }) {
  const hash = useHash();
  if (hash !== "" && how !== "expired") {
    const given = { device: running.device, zone, onBack: () => (location.hash = "") };
    return <Later fetch={seen} what={room.done.seenWait} given={given} />;
  }
  if (how === "done") return <Done running={running} zone={zone} />;
  return <Ended running={running} zone={zone} how={how} />;
}

type How = "done" | "terminated" | "expired";
