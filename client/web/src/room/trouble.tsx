import { useEffect } from "preact/hooks";
import { ProblemError } from "../api";
import { room, type TroubleWords } from "../text/room";
import { ownZone } from "../text/when";
import { Trouble } from "../ui/notices";
import { againMs, type Blocked, keepTrying } from "./blocked";
import type { Running } from "./running";
import type { Seat } from "./seat";
import type { Stopped } from "./state";
import { Heading } from "./stepper";
import { blockedWords } from "./trouble-words";
import { windowWords } from "./window-words";

/** No session can be shown: what happened, what is safe, what to do. */
export function BlockedPage({ seat, blocked }: { seat: Seat; blocked: Blocked }) {
  const practice = seat.running.value?.device.joined.exam.practice === true;
  const { code, facts } = blocked;
  const waits = ["unreachable", "asked", "asked-refused"].includes(code);
  const isOver = facts["over"] === true;
  useEffect(() => {
    if (!waits) return undefined;
    return keepTrying(
      () => seat.retry(),
      (tries) => againMs({ code, facts }, tries),
    );
  }, [seat, waits, code, isOver]);
  if (code === "other-tab") return <StoppedPage seat={seat} why="other-tab" />;
  return (
    <>
      <Lines words={blockedWords({ code, facts }, practice)} name={code} />
      <div class="steps">
        {code === "join-link-used" || code === "asked-refused" ? (
          <button type="button" onClick={() => void seat.ask()}>
            {room.trouble[isOver ? "askToLook" : "askHere"]}
          </button>
        ) : (
          code !== "asked" &&
          !(practice && code === "system-refused") && (
            <button type="button" onClick={() => void seat.open()}>
              {room.again}
            </button>
          )
        )}
      </div>
    </>
  );
}

/** This tab has stopped; some causes let it go on. */
export function StoppedPage({ seat, why }: { seat: Seat; why: Stopped }) {
  return (
    <>
      <Lines words={room.stopped[why]} name={why} />
      {(why === "other-tab" || why === "superseded") && (
        <button type="button" onClick={() => void seat.open({ steal: true })}>
          {room.trouble.here}
        </button>
      )}
    </>
  );
}

function Lines({ words, name }: { words: TroubleWords; name: string }) {
  return (
    <>
      <Heading of={name}>{words.heading}</Heading>
      {words.lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
    </>
  );
}

/** What went wrong with the last thing that was asked for, beside where it was asked. */
export function JobTrouble({ running }: { running: Running }) {
  const trouble = running.trouble.value;
  if (trouble === null) return null;
  const again =
    running.screen.value.is === "asking" ? { again: () => void running.checkIn.welcome() } : {};
  return <Trouble words={wordsOf(trouble, running.now_ms.value)} {...again} />;
}

export function wordsOf(trouble: ProblemError | string, now_ms: number): string {
  if (!(trouble instanceof ProblemError)) return room.trouble.short[trouble] ?? room.trouble.unknown;
  const { code, facts } = trouble;
  const window = {
    starts_at_ms: Date.parse(String(facts["starts_at"])),
    ends_at_ms: Date.parse(String(facts["ends_at"])),
  };
  const closed = code === "outside-window" ? windowWords(window, now_ms, ownZone()) : null;
  return closed ?? room.trouble.short[code] ?? room.trouble.unknown;
}
