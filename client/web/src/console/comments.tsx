import { useEffect, useRef } from "preact/hooks";
import type { Timeline } from "../api";
import { desk as words } from "../text/desk";
import { clock } from "../text/when";
import { Dialog } from "../ui/dialog";
import { Trouble, Waiting } from "../ui/notices";
import type { Desk } from "./desk";

interface Props {
  desk: Desk;
  timeline: Timeline;
  zone: string;
}

/** What reviewers marked, each with the moment to go back to. */
export function Comments({ desk, timeline, zone }: Props) {
  const { comments = [] } = timeline;
  if (comments.length === 0) return null;
  return (
    <section aria-label={words.comment.list}>
      <h2>{words.comment.list}</h2>
      <ul class="marks">
        {comments.map(({ at_ms, by, text, written_at_ms }) => (
          <li key={`${by} ${written_at_ms}`}>
            <button type="button" class="quiet" onClick={() => desk.toMoment(at_ms)}>
              {clock(at_ms, zone)}
            </button>{" "}
            {words.comment.by(by)} {text}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Asks for a word about the snapshot in view; Enter alone saves it. */
export function CommentDialog({ desk, zone }: { desk: Desk; zone: string }) {
  const mark = desk.mark.value;
  const field = useRef<HTMLTextAreaElement>(null);
  const at_ms = mark?.at_ms ?? null;
  useEffect(() => field.current?.focus(), [at_ms]);
  const back = () => (desk.mark.value = null);
  return (
    <Dialog
      open={mark !== null}
      heading={mark === null ? "" : words.comment.heading(clock(mark.at_ms, zone))}
      onClose={back}
    >
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void desk.saveMark();
        }}
      >
        <label>
          {words.comment.label}
          <textarea
            ref={field}
            rows={3}
            maxLength={words.comment.longest * 2}
            placeholder={words.comment.empty}
            aria-describedby="mark-hint"
            value={mark?.text ?? ""}
            onInput={(event) => {
              if (desk.mark.value !== null)
                desk.mark.value = { ...desk.mark.value, text: event.currentTarget.value };
            }}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
              event.preventDefault();
              void desk.saveMark();
            }}
          />
          <small id="mark-hint">{words.comment.hint}</small>
        </label>
        {desk.trouble.value !== null && <Trouble words={desk.trouble.value} />}
        {desk.waiting.value !== null && <Waiting what={desk.waiting.value} />}
        <footer>
          <button type="button" class="secondary" onClick={back}>
            {words.comment.back}
          </button>
          <button type="submit">
            {words.comment.save} <kbd>Enter</kbd>
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
