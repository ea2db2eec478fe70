import { signal } from "@preact/signals";
import { render } from "preact";
import { ProblemError, Unreachable } from "../api";
import { after } from "../text/after";
import { room } from "../text/room";
import { ownZone } from "../text/when";
import { Trouble, Waiting } from "../ui/notices";
import { AfterPage } from "./after-page";
import { Heading } from "./stepper";
import { keep, kept, letIn, type Viewer, ViewerApi } from "./viewer";

const viewer = signal<Viewer | null>(null);
/** Why nothing can be shown: the link is worth nothing, or the server can't be reached. */
const blocked = signal<"link" | "unreachable" | null>(null);

/** Shows what was seen and decided in the place of the room's page: /join/after#<a link's token>. */
export function open(): void {
  document.title = room.title(after.title, null);
  render(<Page zone={ownZone()} />, document.body);
  void enter();
}

async function enter(): Promise<void> {
  blocked.value = null;
  const linkToken = location.hash.slice(1);
  if (linkToken === "") {
    viewer.value = kept();
    if (viewer.value === null) blocked.value = "link";
    return;
  }
  try {
    const found = await letIn(linkToken);
    keep(found);
    viewer.value = found;
    // Used up: it must not stand in the history, nor be tried when the page is loaded again.
    history.replaceState(null, "", location.pathname);
  } catch (error) {
    if (error instanceof Unreachable) blocked.value = "unreachable";
    else if (error instanceof ProblemError) blocked.value = "link";
    else throw error; // a bug of ours: never worded away
  }
}

function Page({ zone }: { zone: string }) {
  const found = viewer.value;
  return (
    <>
      <header>
        <p class="product">
          <strong>{room.product}</strong> {found !== null && <span>{found.exam}</span>}
        </p>
      </header>
      <main class="way">
        {found !== null ? (
          <AfterPage device={new ViewerApi(found)} zone={zone} />
        ) : blocked.value === null ? (
          <Waiting what={after.wait} />
        ) : blocked.value === "unreachable" ? (
          <Trouble words={after.trouble.unreachable} again={() => void enter()} />
        ) : (
          <NoLink />
        )}
      </main>
    </>
  );
}

function NoLink() {
  const { heading, lines } = after.viewer.noLink;
  return (
    <>
      <Heading of="no-link">{heading}</Heading>
      {lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
      <pre>{after.viewer.command}</pre>
    </>
  );
}
