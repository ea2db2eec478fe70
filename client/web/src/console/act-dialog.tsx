import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { wall as words } from "../text/wall";
import { Dialog } from "../ui/dialog";
import { Notice, Waiting } from "../ui/notices";
import {
  type ActDraft,
  alike,
  interrupts,
  needsCode,
  secondsOf,
  takesWords,
  wordsOf,
} from "./acts";
import { Interrupted, Ready } from "./before-words";
import { isOver } from "./tiles";
import { NOTE_MOST, type ReasonGroup, type SessionPolicy, type Tile } from "./wall-api";
import type { Wall } from "./wall-desk";

/** Every act asks here for its reason, and says what the learner will read. */
export function ActDialog({ wall }: { wall: Wall }) {
  const draft = wall.sending.draft.value;
  const shown = useRef(0);
  useEffect(() => {
    if (draft !== null) shown.current = draft.id;
  });
  return (
    <Dialog
      open={draft !== null}
      heading={draft === null ? "" : words.act.headings[draft.act](whom(wall, draft))}
      onClose={() => {
        // Told late: by then the next act may be asked for, and that one stays.
        const open = document.querySelector("dialog[open] form.act") !== null;
        if (!open && shown.current === wall.sending.draft.value?.id) wall.sending.cancel();
      }}
    >
      {draft !== null && <Form wall={wall} draft={draft} />}
    </Dialog>
  );
}

function whom(wall: Wall, { sessions }: ActDraft): string {
  const [only] = sessions;
  return sessions.length === 1 && only !== undefined
    ? wall.nameOf(only)
    : words.act.many(sessions.length);
}

/** The field that has the focus first. Chromium warns of an attribute that is there from the start. */
function useFirst() {
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => {
    form.current?.querySelector('[data-first="true"]')?.setAttribute("autofocus", "");
  }, []);
  return form;
}

interface Props {
  wall: Wall;
  draft: ActDraft;
}

function Form({ wall, draft }: Props) {
  const { act } = draft;
  const { sending } = wall;
  const lacks = sending.tried.value ? sending.lacks.value : [];
  const again = sending.sentBefore.value;
  const policy = openPolicy(wall, draft);
  const needs = policy?.terminate_needs;
  const ends = needs === undefined ? act : needs > 1 ? "terminate-two" : "terminate-alone";
  const hint = words.act.hint[act === "terminate" ? ends : act];
  const final = act === "terminate" || act === "confirm-terminate";
  const form = useFirst();
  return (
    <form
      ref={form}
      class="act"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void sending.confirm();
      }}
    >
      {hint !== undefined && <p>{hint}</p>}
      <Whom wall={wall} draft={draft} />
      {interrupts(act) && !draft.answers && <Interrupted wall={wall} sessions={draft.sessions} />}
      <Fields wall={wall} draft={draft} />
      <Reads wall={wall} draft={draft} />
      <div id="act-lacks" role="alert">
        {lacks.length > 0 && (
          <Notice needs>
            <p>{words.act.lackHeading}</p>
            {lacks.map((lack) => (
              <p key={lack}>{words.act.lack[lack]}</p>
            ))}
          </Notice>
        )}
        {sending.actTrouble.value !== null && <Notice needs>{sending.actTrouble.value}</Notice>}
        {again !== null && sending.actTrouble.value === null && !sending.doingAct.value && (
          <Notice>{words.lost.same(sending.when(again))}</Notice>
        )}
      </div>
      <footer>
        <button type="button" class="secondary" onClick={() => sending.cancel()}>
          {words.act.cancel}
        </button>
        <button type="submit" class={final ? "final" : undefined} aria-disabled={sending.doingAct.value}>
          {again !== null ? words.act.again : words.act.submit(act, draft.sessions.length)}
        </button>
      </footer>
      {sending.doingAct.value && <Waiting what={words.wait.act} />}
    </form>
  );
}

/** What holds where the act is about the open session alone; null where that is not known. */
function openPolicy(wall: Wall, { sessions }: ActDraft): SessionPolicy | null {
  const open = sessions.length === 1 && sessions[0] === wall.one.session.value;
  return open ? wall.one.policy.value : null;
}

/** Of those chosen, who is left out and why; and who is told only later. */
function Whom({ wall, draft: { act, sessions, left } }: Props) {
  const tiles = sessions.flatMap((session) => wall.board.tiles.get(session)?.value ?? []);
  const later = tiles.filter((tile) => tile.state === "invited").length;
  const chosen = left.reduce((sum, { count }) => sum + count, sessions.length);
  const reads = act !== "irregularity" && takesWords(act) && later > 0;
  if (left.length === 0 && !reads) return null;
  return (
    <p class="whom">
      {left.length > 0 && <strong>{words.act.goesTo(act, sessions.length, chosen, left)}</strong>}{" "}
      {reads && words.act.notHereYet(later, sessions.length)}
    </p>
  );
}

function Fields({ wall, draft }: Props) {
  const { act, code, minutes, rule, of } = draft;
  const ruled = act === "lift-rule" || act === "restore-rule";
  return (
    <>
      {act === "extra-time" && (
        <label>
          {words.act.minutes}
          <input
            name="minutes"
            inputMode="decimal"
            autocomplete="off"
            data-first
            value={minutes}
            onInput={(typed) => wall.sending.write({ minutes: typed.currentTarget.value })}
          />
        </label>
      )}
      {ruled && (
        <label>
          {words.act.rule}
          <select value={rule} data-first onChange={(event) => wall.sending.write({ rule: event.currentTarget.value })}>
            <option value="">{words.act.chooseRule}</option>
            {wall.rulesFor(draft).map((each) => (
              <option key={each.rule} value={each.rule}>
                {words.act.ruleOf(act, each.rule, each.count, draft.sessions.length)}
              </option>
            ))}
          </select>
        </label>
      )}
      {act === "irregularity" && (
        <fieldset>
          <legend>{words.act.of}</legend>
          {(["room", "system"] as const).map((each) => (
            <label key={each}>
              <input type="radio" name="of" checked={of === each} onChange={() => wall.sending.write({ of: each })} />
              {words.act.ofNames[each]}
            </label>
          ))}
        </fieldset>
      )}
      {act === "message" && <Answers wall={wall} draft={draft} />}
      {takesWords(act) && (
        <Reason
          reasons={wall.reasons.value}
          code={code}
          may={!needsCode(act)}
          focus={code === "" && needsCode(act) && !ruled && act !== "extra-time"}
          onChoose={(chosen) => wall.sending.write({ code: chosen })}
        />
      )}
      {takesWords(act) && <Note wall={wall} draft={draft} focus={!ruled && act !== "extra-time" && (code !== "" || !needsCode(act))} />}
    </>
  );
}

/** Of a message to somebody who has asked: whether it is what they wait for. */
function Answers({ wall, draft: { sessions, answers } }: Props) {
  const [only = ""] = sessions;
  const tile = sessions.length === 1 ? wall.board.tiles.get(only)?.value : undefined;
  const asked = tile?.help ?? null;
  // Ticked it stays to be seen, though another may have answered meanwhile.
  if (asked === null && !answers) return null;
  return (
    <label>
      <input
        type="checkbox"
        checked={answers}
        onChange={(event) => wall.sending.write({ answers: event.currentTarget.checked })}
      />
      {words.act.answers(asked?.text ?? "")}
    </label>
  );
}

interface ReasonProps {
  reasons: readonly ReasonGroup[];
  code: string;
  /** It may be left out. */
  may: boolean;
  focus: boolean;
  onChoose: (code: string) => void;
}

export function Reason({ reasons, code, may, focus, onChoose }: ReasonProps) {
  return (
    <label>
      {may ? words.act.reasonMay : words.act.reason}
      <select
        name="code"
        value={code}
        data-first={focus}
        onChange={(event) => onChoose(event.currentTarget.value)}
      >
        <option value="">{may ? words.announce.noReason : words.act.chooseReason}</option>
        {reasons.map((group) => (
          <optgroup key={group.category} label={group.words}>
            {group.reasons.map((each) => (
              <option key={each.code} value={each.code}>
                {each.words}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
      {reasons.length === 0 && <small role="alert">{words.act.noReasons}</small>}
    </label>
  );
}

function Note({ wall, draft, focus }: Props & { focus: boolean }) {
  return (
    <>
      <label>
        {words.act.note(draft.act)}
        <textarea
          name="note"
          rows={3}
          data-first={focus}
          // Room to go over, so that a paste is not cut in silence.
          maxLength={NOTE_MOST * 2}
          value={draft.note}
          aria-describedby="act-note-hint"
          onInput={(typed) => wall.sending.write({ note: typed.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            void wall.sending.confirm();
          }}
        />
        <small id="act-note-hint">{words.act.noteHint}</small>
      </label>
      <Ready
        sentences={words.ready.act(draft.act, draft.code)}
        note={draft.note}
        onChoose={(note) => wall.sending.write({ note })}
      />
    </>
  );
}

function Reads({ wall, draft }: Props) {
  const { act, code, minutes, rule, of, note } = draft;
  if (act === "confirm-terminate") return <Proposals wall={wall} draft={draft} />;
  const reason = wordsOf(wall.reasons.value, code);
  const held = openPolicy(wall, draft)?.rules.filter((each) => each.rule === rule) ?? [];
  const said = words.reads(act, reason, {
    seconds: secondsOf(minutes),
    // As the policy words it, where that is known: then it is what the server will say.
    rule: held.map((each) => each.words).join("; ") || rule,
    of,
    answers: draft.answers,
  });
  return <Preview heading={act === "terminate" ? words.act.readsIf : words.act.reads} said={said} note={note} />;
}

function Preview({ heading, said, note }: { heading: string; said: string; note: string }) {
  return (
    <Notice>
      <p>
        <strong>{heading}</strong> {said}
      </p>
      {note.trim() !== "" && <p class="words">{note.trim()}</p>}
    </Notice>
  );
}

/** What was proposed for each: who confirms from the wall has no panel open that shows it. */
function Proposals({ wall, draft: { sessions, ofBySession } }: Props) {
  const tiles = sessions.flatMap((session) => wall.board.tiles.get(session)?.value ?? []);
  const read = alike(tiles, ofBySession);
  if (read.length === 0) return null; // withdrawn, or lapsed, while the dialog stood open
  return (
    <Notice>
      {read.map((one) => (
        <div key={one.act + one.learners.join()}>
          <p>
            <strong>{words.termination.proposedFor(one.by, one.learners)}</strong>
          </p>
          <p>{words.termination.note(wordsOf(wall.reasons.value, one.code), one.note)}</p>
        </div>
      ))}
    </Notice>
  );
}

/** Who reads an announcement: whoever has joined and goes on. */
export function readersOf(tiles: Iterable<Tile>, exam: string) {
  const all = [...tiles].filter((tile) => tile.exam === exam);
  const later = all.filter(({ state }) => state === "invited").length;
  const over = all.filter(isOver).length;
  const read = all.filter((tile) => tile.state !== "invited" && !isOver(tile));
  return { sessions: read.map(({ session }) => session), later, over };
}

/** Something that every learner of an exam reads. */
export function AnnounceDialog({ wall }: { wall: Wall }) {
  const { sending } = wall;
  const close = () => sending.stopAnnouncing();
  const open = sending.announcing.value !== null;
  return (
    <Dialog open={open} heading={words.announce.heading} onClose={close}>
      <Announcement key={sending.announcing.value} wall={wall} close={close} />
    </Dialog>
  );
}

function Announcement({ wall, close }: { wall: Wall; close: () => void }) {
  const exams = wall.exams.value;
  const [exam, setExam] = useState(
    // Of several exams none is guessed: the wrong one would be told.
    wall.board.wanted.value.exam ?? (exams.length === 1 ? (exams[0]?.id ?? "") : ""),
  );
  const [code, setCode] = useState("");
  const [note, setNote] = useState("");
  const [tried, setTried] = useState(false);
  const missing =
    exam === "" ? words.announce.lackExam : note.trim() === "" ? words.announce.lack : null;
  const { sending } = wall;
  const doing = sending.announcesNow(exam, code, note);
  const again = sending.announcedBefore(exam, code, note);
  const trouble = sending.announceTrouble.value;
  const send = () => {
    setTried(true);
    if (missing === null && !doing) void sending.announce(exam, code, note);
  };
  const lack = (tried ? missing : null) ?? trouble;
  const form = useFirst();
  // It changes with who joins and who ends.
  wall.board.counts.value;
  const { sessions, later, over } = readersOf(wall.board.all(), exam);
  return (
    <form
      ref={form}
      class="act"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label>
        {words.announce.exam}
        <select value={exam} onChange={(event) => setExam(event.currentTarget.value)}>
          {exams.length !== 1 && <option value="">{words.announce.chooseExam}</option>}
          {exams.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
      </label>
      {exam !== "" && (
        <p class="whom">
          <strong>{words.announce.goesTo(sessions.length)}</strong> {words.announce.others(later, over)}
        </p>
      )}
      {exam !== "" && <Interrupted wall={wall} sessions={sessions} />}
      <Reason reasons={wall.reasons.value} code={code} may focus={false} onChoose={setCode} />
      <label>
        {words.announce.note}
        <textarea
          rows={4}
          data-first
          maxLength={NOTE_MOST}
          value={note}
          onInput={(typed) => setNote(typed.currentTarget.value)}
        />
        <small>{words.announce.hint}</small>
      </label>
      <Ready sentences={words.ready.announcement(code)} note={note} onChoose={setNote} />
      <Preview
        heading={words.announce.reads}
        said={words.reads("message", wordsOf(wall.reasons.value, code), {
          seconds: null,
          rule: "",
          of: "",
          toAll: true,
        })}
        note={note}
      />
      <div role="alert">
        {lack !== null && <Notice needs>{lack}</Notice>}
        {again !== null && lack === null && !doing && (
          <Notice>{words.lost.same(sending.when(again))}</Notice>
        )}
      </div>
      <footer>
        <button type="button" class="secondary" onClick={close}>
          {words.act.cancel}
        </button>
        <button type="submit" aria-disabled={doing}>
          {again !== null ? words.act.again : words.announce.submit(exam === "" ? null : sessions.length)}
        </button>
      </footer>
      {doing && <Waiting what={words.wait.announce} />}
    </form>
  );
}
