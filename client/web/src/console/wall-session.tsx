import { useComputed } from "@preact/signals";
import { useState } from "preact/hooks";
import { wall as words } from "../text/wall";
import { clock, lengthWords, minutes, moment } from "../text/when";
import { useFocusOn } from "../ui/focus";
import { Notice, Trouble, Waiting } from "../ui/notices";
import { type AskingAct, fits } from "./acts";
import { Interrupted, Ready } from "./before-words";
import { isOver, isRefused, oldFor } from "./tiles";
import { type LiveSession, NOTE_MOST, type Still, type Tile } from "./wall-api";
import type { Wall } from "./wall-desk";
import { standsWords } from "./wall-grid";
import { Happened, Ledger, Messages } from "./wall-happened";
import { waiting } from "./wall-story";

interface Props {
  wall: Wall;
  zone: string;
}
type OfTile = Props & { tile: Tile };
type Opened = OfTile & { opened: LiveSession };

/** One session at the right of the wall. */
export function SessionPanel({ wall, zone }: Props) {
  const session = wall.one.session.value;
  // The wall can lack it: its exam ended long ago, or its learner was never seen.
  wall.board.loaded.value;
  const tile = session === null ? undefined : wall.board.tiles.get(session)?.value;
  const opened = wall.one.opened.value;
  const heading = useFocusOn(session ?? "");
  if (session === null) return null;
  return (
    <aside class="panel" aria-labelledby="panel-heading">
      <header>
        <h2 id="panel-heading" ref={heading} tabIndex={-1}>
          {tile?.learner ?? session}
        </h2>
        <button type="button" class="secondary" onClick={() => wall.close()}>
          {words.session.close} <kbd>Esc</kbd>
        </button>
      </header>
      {tile !== undefined && <Facts wall={wall} zone={zone} tile={tile} />}
      {wall.trouble.value !== null && (
        <Trouble words={wall.trouble.value} again={() => void wall.open(session)} />
      )}
      {tile === undefined && wall.board.loaded.value && (
        <p>
          {words.session.notHere}{" "}
          <a href={`/console/review?session=${encodeURIComponent(session)}`}>
            {words.session.toReview}
          </a>
        </p>
      )}
      {opened === null && wall.waiting.value !== null && <Waiting what={wall.waiting.value} />}
      {opened !== null && <Old wall={wall} zone={zone} />}
      {tile !== undefined && opened !== null && (
        <Inside wall={wall} zone={zone} tile={tile} opened={opened} />
      )}
    </aside>
  );
}

/** What stands below can't be fetched anew. */
function Old({ wall, zone }: Props) {
  const old_ms = wall.one.old_ms.value;
  const when = old_ms === null ? "" : moment(wall.serverTime(old_ms), wall.serverNow(), zone);
  return <div role="status">{old_ms !== null && <p class="notice">{words.session.old(when)}</p>}</div>;
}

function Inside(props: Opened) {
  const { wall, zone, tile, opened } = props;
  // Then the way there comes first.
  const idWaits = tile.needs.includes("id-check") || tile.needs.includes("id-check-later");
  return (
    <>
      <Proposal {...props} />
      {opened.asking.map((device) => (
        <Device key={device.device} {...props} device={device} />
      ))}
      <Call {...props} />
      {idWaits && <ToIdCheck session={tile.session} />}
      <Pictures wall={wall} zone={zone} tile={tile} />
      <Taking wall={wall} tile={tile} />
      <Acts wall={wall} tile={tile} />
      <Permitted wall={wall} opened={opened} />
      <Messages {...props} />
      <Happened {...props} />
      <Ledger opened={opened} zone={zone} />
      <p class="onward">
        <a href={`/console/review?session=${encodeURIComponent(tile.session)}`}>
          {words.session.toReview}
        </a>
        {!idWaits && <ToIdCheck session={tile.session} />}
      </p>
    </>
  );
}

function ToIdCheck({ session }: { session: string }) {
  const href = `/console/identity?session=${encodeURIComponent(session)}`;
  return <a href={href}>{words.session.toIdCheck}</a>;
}

/** Where the learner is in the exam. */
function Facts({ wall, zone, tile }: OfTile) {
  const time = useComputed(() => timeWords(wall, zone, tile.session));
  const state = [wall.examTitle(tile.exam), tile.section, standsWords(tile)];
  const more = [tile.group === "" ? "" : words.session.group(tile.group)];
  more.push(words.session.idCheck(tile.id_check));
  if (tile.conduct > 0) more.push(words.session.flags(tile.conduct));
  for (const kind of tile.quality) more.push(words.tile.quality(kind));
  return (
    <div class="facts">
      <p>
        <strong>{state.filter(Boolean).join(" · ")}</strong>
      </p>
      <p>{time}</p>
      <p class="hint">{more.filter(Boolean).join(" · ")}</p>
    </div>
  );
}

function timeWords(wall: Wall, zone: string, session: string): string {
  const tile = wall.board.tiles.get(session)?.value;
  const now_ms = wall.now_ms.value;
  if (tile === undefined) return "";
  if (isRefused(tile)) return words.session.refused;
  if (isOver(tile)) return words.session.over;
  const said: string[] = [];
  if (tile.paused_since_ms !== null) {
    const { paused_since_ms: since } = tile;
    said.push(words.session.pausedSince(moment(since, now_ms, zone), minutes(now_ms - since)));
    if (tile.ends_at_ms !== null)
      said.push(words.session.leftAtPause(minutes(Math.max(0, tile.ends_at_ms - since))));
  } else if (tile.ends_at_ms !== null) {
    const left_ms = tile.ends_at_ms - now_ms;
    said.push(`${words.session.ends(moment(tile.ends_at_ms, now_ms, zone), minutes(left_ms))}.`);
  }
  const silent_ms = tile.heard_ms === null ? null : Math.max(0, now_ms - tile.heard_ms);
  said.push(words.session.contact(tile.connected, silent_ms));
  return said.join(" ");
}

/** Somebody proposes to end the exam: within a minute another confirms it, or it lapses. */
function Proposal({ wall, tile, opened }: Opened) {
  const proposed = tile.termination;
  const left = useComputed(() => {
    const lapses_ms = wall.board.tiles.get(tile.session)?.value.termination?.lapses_at_ms ?? 0;
    return Math.max(0, lapses_ms - wall.now_ms.value);
  });
  if (proposed === null) return null;
  const length = lengthWords(left.value);
  const mine = proposed.by === wall.me();
  // What stands there to be read is what is confirmed: until that is fetched, nothing can be.
  const read =
    opened.termination?.lapses_at_ms === proposed.lapses_at_ms ? opened.termination : null;
  return (
    <Notice needs>
      <p>
        <strong>
          {mine ? words.termination.mine(length) : words.termination.other(proposed.by, length)}
        </strong>
      </p>
      {read !== null && <p>{words.termination.note(read.words, read.note)}</p>}
      {!mine && read !== null && (
        <button
          type="button"
          class="final"
          onClick={() =>
            wall.ask("confirm-terminate", [tile.session], { ofBySession: { [tile.session]: read.act } })
          }
        >
          {words.termination.confirm}
        </button>
      )}
      {read !== null && (
        <button
          type="button"
          class="secondary"
          onClick={() => void wall.send([tile.session], { act: "withdraw-terminate", of: read.act })}
        >
          {words.termination.withdraw}
        </button>
      )}
    </Notice>
  );
}

function Device({ wall, zone, tile, device }: Opened & { device: LiveSession["asking"][number] }) {
  const when = moment(device.asked_at_ms, wall.serverNow(), zone);
  const act = (kind: "admit-device" | "refuse-device") =>
    wall.ask(kind, [tile.session], { ofBySession: { [tile.session]: device.device } });
  return (
    <Notice needs>
      <p>{words.session.device(device.device_kind, when, isOver(tile) && !isRefused(tile))}</p>
      <button type="button" onClick={() => act("admit-device")}>
        {words.session.admit}
      </button>
      <button type="button" class="secondary" onClick={() => act("refuse-device")}>
        {words.session.refuse}
      </button>
    </Notice>
  );
}

/** A raised hand, a question, a fault: and the answer. */
function Call({ wall, zone, tile, opened }: Opened) {
  const [tried, setTried] = useState(false);
  const { help } = opened;
  if (help === null || help.answered_at_ms !== null) return null;
  const answer = wall.answers.value[tile.session] ?? "";
  const lack =
    answer.trim() === ""
      ? words.session.answerMissing
      : [...answer.trim()].length > NOTE_MOST
        ? words.session.answerLong
        : null;
  const { texts, missing } = waiting(tile, wall.one.story.value);
  return (
    <form
      class="notice needs call"
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (lack === null) void wall.answer(tile.session);
      }}
    >
      <p>
        <strong>
          {words.session.asksFor(tile.learner, help.topic, clock(help.since_ms, zone, false))}
        </strong>
      </p>
      {texts.length === 0 && <p>{words.session.noWords}</p>}
      {missing > 0 && <p>{words.session.moreWords(missing)}</p>}
      {texts.map((text, place) => (
        <blockquote key={`${place} ${text}`}>{text}</blockquote>
      ))}
      <label>
        {words.session.answer}
        <textarea
          rows={3}
          maxLength={NOTE_MOST * 2}
          value={answer}
          onInput={(typed) => wall.writeAnswer(tile.session, typed.currentTarget.value)}
        />
      </label>
      <Ready
        sentences={words.ready.answer(help.topic)}
        note={answer}
        onChoose={(chosen) => wall.writeAnswer(tile.session, chosen)}
      />
      <div role="alert">{tried && lack !== null && <p class="refused">{lack}</p>}</div>
      <button type="submit">{words.session.send}</button>
    </form>
  );
}

/** The newest picture, and the ones that came before while this session was open. */
function Pictures({ wall, zone, tile }: OfTile) {
  const [broken, setBroken] = useState("");
  const old = useComputed(() => {
    const [now] = wall.one.stills.value;
    return now !== undefined && oldFor(now, tile.still_old_s, wall.now_ms.value) > 0;
  }).value;
  const [newest, ...before] = wall.one.stills.value;
  if (isOver(tile)) return <p class="hint">{words.tile.noStill.over}.</p>;
  const path = wall.tickets.path(tile.exam).value;
  if (newest === undefined || path === null)
    return <p class="live still">{words.tile.noStill[newest === undefined ? "off" : "wait"]}</p>;
  const src = (still: Still) => `${path}/${tile.session}/${still.sha256}`;
  return (
    <figure class={old ? "live old" : "live"}>
      {broken === src(newest) ? (
        <p class="live still">{words.tile.noStill.broken}</p>
      ) : (
        <img
          class="still"
          src={src(newest)}
          alt={words.tile.still(tile.learner)}
          onError={() => setBroken(src(newest))}
        />
      )}
      <Age wall={wall} zone={zone} still={newest} old={old} />
      {before.length > 0 && (
        <ul class="before" aria-label={words.session.earlier}>
          {before.map((still) => (
            <li key={still.sha256}>
              <img src={src(still)} alt={clock(still.at_ms, zone)} width={64} height={48} />
            </li>
          ))}
        </ul>
      )}
    </figure>
  );
}

function Age({ wall, zone, still, old }: Props & { still: Still; old: boolean }) {
  const said = useComputed(() =>
    words.session.still(
      clock(still.at_ms, zone),
      lengthWords(Math.max(1000, wall.now_ms.value - still.at_ms)),
    ),
  );
  return (
    <figcaption>
      {said}
      {old && `. ${words.session.stillOld}`}
    </figcaption>
  );
}

function Taking({ wall, tile }: { wall: Wall; tile: Tile }) {
  const mine = tile.taken_by === wall.me();
  const others = tile.looking.filter((name) => name !== wall.me());
  return (
    <p class="taking">
      <span>
        {tile.taken_by === null
          ? words.session.nobody
          : mine
            ? words.session.mine
            : words.session.takenBy(tile.taken_by)}{" "}
        {others.length > 0 && `${words.tile.looks(others)}.`}
      </span>
      <button
        type="button"
        class="secondary"
        onClick={() => wall.take([tile.session], !mine)}
      >
        {mine ? words.session.release : words.session.take} <kbd>g</kbd>
      </button>
    </p>
  );
}

const SHOWN: readonly [act: AskingAct, key: string | null][] = [
  ["message", "m"],
  ["pause", "p"],
  ["extra-time", "t"],
  ["ask-still", null],
  ["ask-id", null],
  ["lift-rule", null],
  ["restore-rule", null],
  ["irregularity", null],
  ["terminate", null],
];

function Acts({ wall, tile }: { wall: Wall; tile: Tile }) {
  const sessions = [tile.session];
  return (
    <section aria-labelledby="acts-heading">
      <h3 id="acts-heading">{words.session.acts}</h3>
      <Interrupted wall={wall} sessions={sessions} />
      <p class="acts">
        {fits("resume", tile) && (
          <button type="button" onClick={() => wall.ask("resume", sessions)}>
            {words.act.name.resume} <kbd>p</kbd>
          </button>
        )}
        {SHOWN.filter(([act]) => fits(act, tile)).map(([act, key]) => (
          <button
            key={act}
            type="button"
            class={act === "terminate" ? "secondary ends" : "secondary"}
            onClick={() => wall.ask(act, sessions)}
          >
            {words.act.name[act]} {key !== null && <kbd>{key}</kbd>}
          </button>
        ))}
      </p>
    </section>
  );
}

/** What this learner alone may do, never why; and what holds for all. */
function Permitted({ wall, opened }: { wall: Wall; opened: LiveSession }) {
  const policy = wall.one.policy.value;
  return (
    <section aria-labelledby="permitted-heading">
      <h3 id="permitted-heading">{words.session.permitted}</h3>
      {opened.permitted.length === 0 ? (
        <p class="hint">{words.session.permittedNone}</p>
      ) : (
        <ul>
          {opened.permitted.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      )}
      {policy !== null && (
        <details>
          <summary>{words.session.policy(policy.title)}</summary>
          {policy.chapters.map(({ heading, lines }) => (
            <section key={heading}>
              <h4>{heading}</h4>
              <ul>
                {lines.map((line) => (
                  <li key={line}>{line}</li>
                ))}
              </ul>
            </section>
          ))}
        </details>
      )}
    </section>
  );
}
