import { useEffect, useRef } from "preact/hooks";
import { room } from "../text/room";
import { clock } from "../text/when";
import type { Safety } from "./answers";
import { FileAnswer } from "./file-answer";
import { Images } from "./images";
import { chosenIn, cleaned, type Item, mostCharacters, textIn, ticked } from "./items";
import { heldTogether } from "./maths";
import type { Running } from "./running";

/** Characters that are left before a text says so. */
const NEAR_THE_END = 500;

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

interface Props {
  running: Running;
  zone: string;
  section: string;
  item: Item;
  /** Its place in the section, from 0. */
  at: number;
  count: number;
}

export function Question({ running, zone, section, item, at, count }: Props) {
  const { notes, answers } = running;
  const marked = notes.marks.value.includes(item.id);
  const number = at + 1;
  return (
    <article class="question" aria-labelledby={`q-${item.id}`} data-item={item.id}>
      <header>
        <h2 id={`q-${item.id}`} tabIndex={-1}>
          {room.work.question(number, count)}
        </h2>
        <span class="points">{room.work.points(item.points)}</span>
        <button
          type="button"
          class="secondary mark-later"
          aria-pressed={marked}
          onClick={() => notes.mark(item.id, !marked)}
        >
          {room.work.mark}
          <span class="spoken">{room.work.ofQuestion(number)}</span>
        </button>
      </header>
      <Body html={item.html} images={running.images} />
      <Answer {...{ running, section, item, number }} />
      <Saved item={item.id} safety={answers.safety(item.id)} zone={zone} />
    </article>
  );
}

/** The server's own, sanitised HTML; set here and in `Body`, and nowhere else. */
function Html({ html, images }: HtmlProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (box.current !== null) images.fill(box.current);
  }, [html, images]);
  return <div ref={box} dangerouslySetInnerHTML={{ __html: shown(html) }} />;
}

function shown(html: string): string {
  return heldTogether(Images.quiet(html));
}

interface HtmlProps {
  html: string;
  images: Images;
}

/** A formula or table that is wider than the page can be scrolled, with keys too. */
function Body({ html, images }: HtmlProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { current } = box;
    if (current === null) return;
    images.fill(current);
    if (current.scrollWidth > current.clientWidth) current.tabIndex = 0;
  }, [html, images]);
  return <div ref={box} class="text" dangerouslySetInnerHTML={{ __html: shown(html) }} />;
}

interface AnswerProps {
  running: Running;
  section: string;
  item: Item;
  number: number;
}

function Answer({ running, section, item, number }: AnswerProps) {
  switch (item.kind) {
    case "single-choice":
    case "multiple-choice":
      return <Choices {...{ running, section, item, number }} />;
    case "fill-in":
    case "short-text":
      return <Text key={item.id} {...{ running, section, item, number }} />;
    case "file-upload":
      return <FileAnswer {...{ running, section, item, number }} />;
  }
}

function Choices({ running, section, item, number }: AnswerProps) {
  const { answers } = running;
  const single = item.kind === "single-choice";
  const response = answers.response(item.id);
  const chosen = single ? [textIn(response)] : chosenIn(response);
  return (
    <fieldset class="choices" aria-describedby={`s-${item.id}`}>
      <legend>
        <span class="spoken">{room.answer.legend(number)}. </span>
        {single ? room.answer.chooseOne : room.answer.chooseMany}
      </legend>
      {item.choices.map(({ id, html }, nth) => (
        <label key={id}>
          <input
            type={single ? "radio" : "checkbox"}
            name={`a-${item.id}`}
            value={id}
            checked={chosen.includes(id)}
            onChange={(event) => {
              const on = event.currentTarget.checked;
              answers.change(section, item.id, single ? id : ticked(response, id, on), true);
            }}
          />
          {/* Not every reader says MathML: a letter names the choice all the same. */}
          <span class="letter">{LETTERS[nth]}</span>
          <Html html={html} images={running.images} />
        </label>
      ))}
      {single && answers.isAnswered(item.id) && (
        <button
          type="button"
          class="quiet"
          onClick={() => answers.change(section, item.id, null, true)}
        >
          {room.answer.clear}
          <span class="spoken">{room.work.ofQuestion(number)}</span>
        </button>
      )}
    </fieldset>
  );
}

function Text({ running, section, item, number }: AnswerProps) {
  const { answers } = running;
  const kind = item.kind === "fill-in" ? "fill-in" : "short-text";
  const most = mostCharacters(kind);
  const field = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  const response = textIn(answers.response(item.id));
  // Not while it is typed into: a field that is written back to loses the place of its cursor.
  useEffect(() => {
    const { current } = field;
    if (current !== null && document.activeElement !== current) current.value = response;
  }, [response]);
  const props = {
    ref: field,
    maxLength: most,
    autocomplete: "off",
    spellcheck: kind === "short-text",
    "aria-describedby": `s-${item.id}`,
    onInput: (event: { currentTarget: HTMLInputElement | HTMLTextAreaElement }) =>
      answers.change(section, item.id, cleaned(event.currentTarget.value, most)),
    onBlur: () => void answers.flush(),
  };
  return (
    <label class="written">
      <span>
        {room.answer.label}
        <span class="spoken">{room.answer.toQuestion(number)}</span>
      </span>
      {kind === "fill-in" ? <input type="text" {...props} /> : <textarea rows={8} {...props} />}
      {most - response.length < NEAR_THE_END && kind === "short-text" && (
        <small>{room.answer.room(most - response.length)}</small>
      )}
    </label>
  );
}

/** How safe this answer is. Only what needs someone is spoken by itself. */
function Saved({ item, safety, zone }: { item: string; safety: Safety; zone: string }) {
  return (
    <p
      id={`s-${item}`}
      class={safety.is === "failed" ? "saved refused" : "saved"}
      role={safety.is === "failed" ? "alert" : undefined}
    >
      {safety.is === "received" && safety.at_ms !== null
        ? room.saved.receivedAt(clock(safety.at_ms, zone, false))
        : room.saved[safety.is]}
    </p>
  );
}
