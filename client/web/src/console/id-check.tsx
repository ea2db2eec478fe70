import { useRef, useState } from "preact/hooks";
import type { IdDecision, Snapshot, Timeline } from "../api";
import { en } from "../text/en";
import { Trouble, Waiting } from "../ui/notices";
import type { Desk } from "./desk";
import { Picture } from "./pictures";
import { lastOf } from "./timeline";

/** As much as the server takes. */
const REASON_MOST = 4000;

/** Face and document side by side, and what a person says of them. */
export function IdCheck({ desk, timeline }: { desk: Desk; timeline: Timeline }) {
  const [reason, setReason] = useState("");
  const [lacking, setLacking] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const { session } = timeline.session;
  const face = lastOf(timeline.snapshots, "face");
  const document = lastOf(timeline.snapshots, "document");
  const { heading, faceAlt, documentAlt, noDocument, buttons } = en.idCheck;

  function say(event: IdDecision) {
    const lacks = event !== "accepted" && reason.trim() === "";
    setLacking(lacks);
    if (lacks) field.current?.focus();
    else void desk.checkId(event, reason.trim());
  }

  function button(event: IdDecision, kind?: string) {
    return (
      <button type="button" class={kind} onClick={() => say(event)}>
        {buttons[event]}
      </button>
    );
  }

  return (
    <section
      class="id-check"
      aria-labelledby="id-check-heading"
      onKeyDown={(event) => {
        // Control and Enter record a verdict elsewhere on the page: never from here.
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.stopPropagation();
      }}
    >
      <h2 id="id-check-heading">{heading}</h2>
      <div class="papers">
        <Paper
          session={session}
          shot={face}
          name={en.idCheck.face}
          alt={faceAlt}
          none={en.snapshot.noCheckIn}
        />
        <Paper
          session={session}
          shot={document}
          name={en.idCheck.document}
          alt={documentAlt}
          none={noDocument}
        />
      </div>
      <label>
        {en.idCheck.reason}
        <textarea
          ref={field}
          rows={2}
          maxLength={REASON_MOST}
          value={reason}
          aria-describedby={lacking ? "id-lacks id-hint" : "id-hint"}
          aria-invalid={lacking ? "true" : undefined}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
        <small id="id-hint">{en.idCheck.reasonHint}</small>
      </label>
      <p id="id-lacks" role="alert" class="refused">
        {lacking && en.idCheck.reasonMissing}
      </p>
      {desk.idTrouble.value !== null && (
        <Trouble words={desk.idTrouble.value} again={() => void desk.load()} />
      )}
      <div class="steps">
        {button("accepted")}
        {button("asked-again", "secondary")}
        {button("refused", "secondary")}
      </div>
      {desk.waiting.value === en.wait.idCheck && <Waiting what={desk.waiting.value} />}
    </section>
  );
}

interface PaperProps {
  session: string;
  shot: Snapshot | null;
  name: string;
  alt: string;
  none: string;
}

function Paper({ session, shot, name, alt, none }: PaperProps) {
  return (
    <figure>
      {shot === null ? (
        <p class="frame absent">{none}</p>
      ) : (
        <Picture session={session} shot={shot} alt={alt} />
      )}
      <figcaption>
        <strong>{name}</strong>
      </figcaption>
    </figure>
  );
}
