import { wall as words } from "../text/wall";
import { Waiting } from "../ui/notices";
import { ActDialog, AnnounceDialog } from "./act-dialog";
import { Head, Waits } from "./head";
import { KeysDialog } from "./keys-dialog";
import { SignIn } from "./sign-in";
import { Batch, LostNotes, ResultNote } from "./wall-batch";
import type { Wall } from "./wall-desk";
import { Grid } from "./wall-grid";
import { LineNotice, OrderNote, WallHead } from "./wall-head";
import { SessionPanel } from "./wall-session";

export function WallApp({ wall, zone }: { wall: Wall; zone: string }) {
  const who = wall.who.value;
  const waits = <Waits desk={wall} again={() => void wall.load()} />;
  return (
    <>
      <Head desk={wall} here="wall" />
      {who.is !== "in" ? (
        <main>
          {who.is === "nobody" ? (
            <SignIn desk={wall} heading={words.signIn} because={who.because} />
          ) : (
            waits
          )}
        </main>
      ) : (
        <main class="wall">
          {/* The open session says them at its own place. */}
          {(wall.one.session.value === null || !wall.allowed.value) && waits}
          {wall.allowed.value && <Inside wall={wall} zone={zone} />}
        </main>
      )}
      <KeysDialog list={words.keys} />
    </>
  );
}

function Inside({ wall, zone }: { wall: Wall; zone: string }) {
  const open = wall.one.session.value !== null;
  return (
    <>
      <p role="status" class="spoken">
        {wall.said}
      </p>
      <div class={open ? "wall-body open" : "wall-body"}>
        <WallHead wall={wall} />
        <div class="tiles-side">
          {wall.board.loaded.value ? <Tiles wall={wall} /> : <NotYet wall={wall} />}
        </div>
        {open && <SessionPanel wall={wall} zone={zone} />}
      </div>
      {/* Over the wall's foot: what comes there moves no tile. */}
      <div class="foot">
        <OrderNote wall={wall} />
        <LineNotice wall={wall} zone={zone} />
        <LostNotes wall={wall} />
        <ResultNote wall={wall} />
        <Batch wall={wall} />
      </div>
      <ActDialog wall={wall} />
      <AnnounceDialog wall={wall} />
    </>
  );
}

function NotYet({ wall }: { wall: Wall }) {
  return wall.line.value.is === "connecting" ? <Waiting what={words.wait.wall} /> : null;
}

function Tiles({ wall }: { wall: Wall }) {
  const none = wall.board.shown.value.length === 0;
  return (
    <>
      {none && <Nobody wall={wall} />}
      <Grid wall={wall} />
    </>
  );
}

function Nobody({ wall }: { wall: Wall }) {
  const { filter, search, group, exam } = wall.board.wanted.value;
  const unknown = exam !== null && !wall.exams.value.some(({ id }) => id === exam);
  if (wall.board.tiles.size === 0 && !unknown) {
    return (
      <div class="notice">
        <p>
          <strong>{words.none.all}</strong>
        </p>
        <p>{words.none.allNext}</p>
      </div>
    );
  }
  const searched = search.trim() !== "" || group !== null || exam !== null;
  return (
    <div class="notice">
      <p>
        {unknown
          ? words.none.exam(exam)
          : searched
            ? words.none.search
            : words.none.filter(words.filter.names[filter])}
      </p>
      <button
        type="button"
        class="secondary"
        onClick={() => wall.want({ filter: "all", search: "", group: null, exam: null })}
      >
        {words.none.showAll}
      </button>
    </div>
  );
}
