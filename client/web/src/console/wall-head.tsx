import { useEffect, useId, useState } from "preact/hooks";
import { wall as words } from "../text/wall";
import { moment } from "../text/when";
import { FILTERS } from "./tiles";
import type { Wall } from "./wall-desk";

interface Props {
  wall: Wall;
  zone: string;
}

/** What the wall shows, how many of what there are, and what is said to a whole exam. */
export function WallHead({ wall }: { wall: Wall }) {
  const { exam } = wall.board.wanted.value;
  const exams = wall.exams.value;
  const shown = exam === null && exams.length === 1 ? exams[0]?.id : exam;
  return (
    <header class="wall-head">
      <div class="wall-title">
        <h1>{shown === null || shown === undefined ? words.heading : wall.examTitle(shown)}</h1>
        <p role="status" class="needs-count">
          {words.needSomeone(wall.board.counts.value.needs)}
        </p>
        <button
          type="button"
          class="secondary"
          onClick={() => wall.sending.startAnnouncing()}
          disabled={exams.length === 0}
        >
          {words.announce.open}
        </button>
      </div>
      <Finding wall={wall} />
    </header>
  );
}

/** Where there is room for little, the tiles come first and this waits behind one line. */
const NARROW = "(max-width: 640px)";

function Finding({ wall }: { wall: Wall }) {
  const [narrow, setNarrow] = useState(() => matchMedia(NARROW).matches);
  useEffect(() => {
    const room = matchMedia(NARROW);
    const see = () => setNarrow(room.matches);
    room.addEventListener("change", see);
    return () => room.removeEventListener("change", see);
  }, []);
  const all = (
    <div class="finding">
      <Filters wall={wall} />
      <Choices wall={wall} />
    </div>
  );
  if (!narrow) return all;
  const { filter } = wall.board.wanted.value;
  return (
    <details>
      <summary>
        {words.filter.folded(words.filter.names[filter], wall.board.counts.value[filter])}
      </summary>
      {all}
    </details>
  );
}

function Filters({ wall }: { wall: Wall }) {
  const { filter } = wall.board.wanted.value;
  const counts = wall.board.counts.value;
  return (
    <div class="filters" role="group" aria-label={words.filter.label}>
      {FILTERS.map((each) => (
        <button
          key={each}
          type="button"
          class={each === "needs" && counts.needs > 0 ? "secondary wanted" : "secondary"}
          aria-pressed={filter === each ? "true" : "false"}
          onClick={() => wall.want({ filter: each })}
        >
          {words.filter.names[each]} <b>{counts[each]}</b>
        </button>
      ))}
    </div>
  );
}

function Choices({ wall }: { wall: Wall }) {
  const { search, group, exam, sort } = wall.board.wanted.value;
  const groups = wall.board.groups.value;
  const exams = wall.exams.value;
  return (
    <div class="choices">
      <label class="search">
        {words.filter.search}
        <input
          type="search"
          name="search"
          value={search}
          placeholder={words.filter.searchHint}
          aria-keyshortcuts="/"
          onInput={(typed) => wall.want({ search: typed.currentTarget.value })}
        />
      </label>
      {(exams.length > 1 || exam !== null) && (
        <Choice
          label={words.filter.exam}
          value={exam ?? ""}
          options={[["", words.filter.allExams], ...exams.map(({ id, title }) => [id, title] as const)]}
          onChoose={(value) => wall.want({ exam: value || null })}
        />
      )}
      {(groups.length > 0 || group !== null) && (
        <Choice
          label={words.filter.group}
          value={group ?? ""}
          options={[["", words.filter.allGroups], ...groups.map((each) => [each, each] as const)]}
          onChoose={(value) => wall.want({ group: value || null })}
        />
      )}
      <Choice
        label={words.filter.sort}
        value={sort}
        options={[
          ["need", words.filter.sorts.need],
          ["name", words.filter.sorts.name],
        ]}
        onChoose={(value) => wall.want({ sort: value === "name" ? "name" : "need" })}
      />
      <button
        type="button"
        class="quiet"
        disabled={wall.board.shown.value.length === 0}
        onClick={() => wall.select(wall.board.shown.value)}
      >
        {words.selected.all}
      </button>
    </div>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  options: readonly (readonly [value: string, words: string])[];
  onChoose: (value: string) => void;
}

export function Choice({ label, value, options, onChoose }: ChoiceProps) {
  const id = useId();
  return (
    <label for={id}>
      {label}
      <select id={id} value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        {options.map(([each, said]) => (
          <option key={each} value={each}>
            {said}
          </option>
        ))}
      </select>
    </label>
  );
}

/** While somebody points at the wall, nothing moves: this says that it would. */
export function OrderNote({ wall }: { wall: Wall }) {
  return (
    <p class="order-note" role="status">
      {wall.board.moved.value && (
        <>
          {words.order.changed}{" "}
          <button type="button" class="quiet" title={words.order.why} onClick={() => wall.board.settle()}>
            {words.order.update}
          </button>{" "}
          <kbd>u</kbd>
        </>
      )}
    </p>
  );
}

/** What is seen is old: from when, and what is done about it. */
export function LineNotice({ wall, zone }: Props) {
  const line = wall.line.value;
  if (line.is !== "cut") return null;
  const when =
    line.since_ms === null
      ? null
      : moment(wall.serverTime(line.since_ms), wall.serverNow(), zone);
  return (
    <div role="alert" class="notice needs">
      <p>{words.line.cut(when)}</p>
      <button type="button" class="secondary" onClick={() => wall.link.hurry()}>
        {words.line.again}
      </button>
    </div>
  );
}
