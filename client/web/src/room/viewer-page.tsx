import { signal } from "@preact/signals";
import { render } from "preact";
import { after } from "../text/after";
import { room } from "../text/room";
import { moment, ownZone } from "../text/when";
import { Trouble, Waiting } from "../ui/notices";
import { AfterPage } from "./after-page";
import { Heading } from "./stepper";
import {
  forget,
  keep,
  kept,
  letIn,
  linkTokenIn,
  type NotLetIn,
  notLetIn,
  type Viewer,
  ViewerApi,
} from "./viewer";

const viewer = signal<Viewer | null>(null);
/** Why nothing is shown: nobody was let in, or whoever looked is done. */
const blocked = signal<NotLetIn | "left" | null>(null);

/** Shows what was seen and decided in the place of the room's page: /join/after#<a link's token>. */
export function open(): void {
  document.title = room.title(after.title, null);
  render(<Page zone={ownZone()} />, document.body);
  // Another link that is opened in this tab loads no page.
  addEventListener("hashchange", () => {
    if (linkTokenIn(location.hash) !== null) void enter();
  });
  void enter();
}

async function enter(): Promise<void> {
  blocked.value = null;
  const linkToken = linkTokenIn(location.hash);
  viewer.value = linkToken === null ? kept() : null;
  if (linkToken === null) {
    if (viewer.value === null) blocked.value = "link";
    return;
  }
  const isNewest = () => linkTokenIn(location.hash) === linkToken;
  try {
    const found = await letIn(linkToken);
    if (!isNewest()) return;
    keep(found);
    viewer.value = found;
    // Used up: it must not stand in the history, nor be tried when the page is loaded again.
    history.replaceState(null, "", location.pathname);
  } catch (error) {
    if (isNewest()) blocked.value = notLetIn(error);
  }
}

function leave(): void {
  forget();
  viewer.value = null;
  blocked.value = "left";
}

function Page({ zone }: { zone: string }) {
  const found = viewer.value;
  return (
    <>
      <header>
        <p class="product">
          <strong>{room.product}</strong> {found !== null && <span>{found.exam}</span>}
        </p>
        {found !== null && (
          <div class="tools">
            <button type="button" class="secondary" onClick={leave}>
              {after.viewer.done}
            </button>
          </div>
        )}
      </header>
      <main class="way">
        {found !== null ? (
          <>
            <p class="hint">{after.viewer.until(moment(found.until_ms, Date.now(), zone))}</p>
            <AfterPage key={found.token} device={new ViewerApi(found)} zone={zone} />
          </>
        ) : blocked.value === null ? (
          <Waiting what={after.wait} />
        ) : blocked.value === "unreachable" ? (
          <Trouble words={after.viewer.unreachable} again={() => void enter()} />
        ) : blocked.value === "refused" ? (
          <Trouble words={after.trouble.other} again={() => void enter()} />
        ) : (
          <NoLink of={blocked.value === "left" ? "left" : "noLink"} />
        )}
      </main>
    </>
  );
}

function NoLink({ of }: { of: "left" | "noLink" }) {
  const { heading, lines } = after.viewer[of];
  return (
    <>
      <Heading of={of}>{heading}</Heading>
      {lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
      <pre>{after.viewer.command}</pre>
    </>
  );
}
