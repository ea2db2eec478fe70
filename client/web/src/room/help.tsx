import { useState } from "preact/hooks";
import { room } from "../text/room";
import { clock } from "../text/when";
import { Dialog } from "../ui/dialog";
import { Notice, Trouble } from "../ui/notices";
import type { Running } from "./running";

const TOPICS = ["question", "hand", "fault"] as const;
type Topic = (typeof TOPICS)[number];

/** A message is read by a person in passing. */
const MESSAGE_MOST = 2000;

interface Props {
  running: Running;
  zone: string;
  open: boolean;
  onClose: () => void;
}

export function HelpDialog({ running, zone, open, onClose }: Props) {
  // Here, because what the dialog shows is gone when it closes, and half a message should not be.
  const [typed, setTyped] = useState("");
  return (
    <Dialog open={open} heading={room.help.heading} onClose={onClose}>
      {running.checkIn.accepted.value ? (
        <Help {...{ running, zone, typed, setTyped, onClose }} />
      ) : (
        <>
          <p>{room.help.early}</p>
          <footer>
            <button type="button" onClick={onClose}>
              {room.close}
            </button>
          </footer>
        </>
      )}
    </Dialog>
  );
}

interface HelpProps extends Omit<Props, "open"> {
  typed: string;
  setTyped: (text: string) => void;
}

function Help({ running, zone, typed, setTyped, onClose }: HelpProps) {
  const [topic, setTopic] = useState<Topic>("question");
  const [problem, setProblem] = useState<string | null>(null);
  const [sent, setSent] = useState<number | null>(null);
  const needed = topic !== "hand";
  const practice = running.device.joined.exam.practice === true;

  async function send() {
    if (needed && typed.trim() === "") return setProblem(room.help.textMissing);
    setProblem(null);
    try {
      setSent(await running.say(topic, typed.trim()));
      setTyped("");
    } catch {
      setProblem(room.help.notSent);
    }
  }

  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {sent !== null && <Sent running={running} seq={sent} zone={zone} />}
      <Hand running={running} />
      <fieldset>
        <legend>{room.help.topic}</legend>
        {TOPICS.map((each) => (
          <label key={each}>
            <input
              type="radio"
              name="topic"
              value={each}
              checked={topic === each}
              onChange={() => setTopic(each)}
            />
            {room.help.topics[each]}
          </label>
        ))}
      </fieldset>
      <label>
        {needed ? room.help.text : room.help.optional}
        <textarea
          rows={4}
          maxLength={MESSAGE_MOST}
          value={typed}
          aria-invalid={problem === room.help.textMissing ? "true" : undefined}
          aria-describedby="help-hint"
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <small id="help-hint">{practice ? room.help.practice : room.help.hint}</small>
      </label>
      {problem !== null && <Trouble words={problem} />}
      <footer>
        <button type="button" class="secondary" onClick={onClose}>
          {room.close}
        </button>
        <button type="submit">{room.help.send}</button>
      </footer>
    </form>
  );
}

function Sent({ running, seq, zone }: { running: Running; seq: number; zone: string }) {
  const { received, received_at_ms } = running.device.line.value;
  const practice = running.device.joined.exam.practice === true;
  const there = received > seq && received_at_ms !== null;
  return (
    <Notice>
      <p role="status">
        {there
          ? room.help[practice ? "practiceSent" : "sent"](clock(received_at_ms, zone, false))
          : room.help.waits}
      </p>
    </Notice>
  );
}

function Hand({ running }: { running: Running }) {
  if (!running.notes.handRaised.value) return null;
  return (
    <Notice>
      <p>{room.help.handUp}</p>
      <button type="button" class="secondary" onClick={() => void running.lowerHand()}>
        {room.help.lower}
      </button>
    </Notice>
  );
}
