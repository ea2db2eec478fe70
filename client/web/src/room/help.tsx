import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useState } from "preact/hooks";
import { room } from "../text/room";
import { clock } from "../text/when";
import { Dialog } from "../ui/dialog";
import { Notice, Trouble } from "../ui/notices";
import { answerTo } from "./acts";
import type { Running } from "./running";

const TOPICS = ["question", "hand", "fault"] as const;
type Topic = (typeof TOPICS)[number];

/** A message is read by a person in passing. */
const MESSAGE_MOST = 2000;

/** A message, and when the server first held it: later receipts are of what came after it. */
interface SentMessage {
  seq: number;
  received_at_ms: number | null;
}

interface Props {
  running: Running;
  zone: string;
  open: boolean;
  onClose: () => void;
}

export function HelpDialog({ running, zone, open, onClose }: Props) {
  // Here, because what the dialog shows is gone when it closes, and half a message should not be.
  const [typed, setTyped] = useState("");
  const sent = useSignal<SentMessage | null>(null);
  useSignalEffect(() => {
    const { received, received_at_ms } = running.device.line.value;
    const { value: one } = sent;
    if (one === null || one.received_at_ms !== null || received <= one.seq) return;
    sent.value = { ...one, received_at_ms };
  });
  return (
    <Dialog open={open} heading={room.help.heading} onClose={onClose}>
      {running.checkIn.accepted.value ? (
        <Help {...{ running, zone, typed, setTyped, sent, onClose }} />
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
  sent: Signal<SentMessage | null>;
}

function Help({ running, zone, typed, setTyped, sent, onClose }: HelpProps) {
  const [topic, setTopic] = useState<Topic>("question");
  const [problem, setProblem] = useState<string | null>(null);
  const needed = topic !== "hand";
  const practice = running.device.joined.exam.practice === true;

  async function send() {
    if (needed && typed.trim() === "") return setProblem(room.help.textMissing);
    setProblem(null);
    try {
      sent.value = { seq: await running.say(topic, typed.trim()), received_at_ms: null };
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
      <Before running={running} zone={zone} />
      {sent.value !== null && <Sent running={running} sent={sent.value} zone={zone} />}
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

/** What was asked last, and what came of it. */
function Before({ running, zone }: { running: Running; zone: string }) {
  const { value: asked } = running.notes.asked;
  if (asked === null) return null;
  const answer = answerTo(running.acts.value, asked.at_ms);
  return (
    <section class="asked" aria-label={room.help.before}>
      <p>{room.help.youAsked(clock(asked.at_ms, zone, false))}</p>
      <blockquote>{asked.text}</blockquote>
      {answer === null ? (
        <p>{room.help.noAnswer}</p>
      ) : (
        <>
          <p>{room.help.answered(clock(answer.at_ms, zone, false))}</p>
          <blockquote>{answer.note}</blockquote>
        </>
      )}
    </section>
  );
}

interface SentProps {
  running: Running;
  sent: SentMessage;
  zone: string;
}

function Sent({ running, sent: { received_at_ms }, zone }: SentProps) {
  const practice = running.device.joined.exam.practice === true;
  return (
    <Notice>
      <p role="status">
        {received_at_ms !== null
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
