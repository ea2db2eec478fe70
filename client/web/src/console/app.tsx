import { en } from "../text/en";
import { Trouble, Waiting } from "../ui/notices";
import type { Desk } from "./desk";
import { KeysDialog } from "./keys-dialog";
import { keysShown } from "./listen";
import { Queue } from "./queue-list";
import { Session } from "./session";
import { SignIn } from "./sign-in";

export function App({ desk, zone }: { desk: Desk; zone: string }) {
  const who = desk.who.value;
  if (who.is !== "in")
    return (
      <>
        <Head desk={desk} />
        <main>{who.is === "nobody" ? <SignIn desk={desk} because={who.because} /> : <Waits desk={desk} />}</main>
      </>
    );
  const open = desk.session.value !== null;
  return (
    <>
      <Head desk={desk} />
      <main class={open ? "desk" : undefined}>
        <Queue desk={desk} zone={zone} aside={open} />
        {open && <Session desk={desk} zone={zone} />}
        {!open && <Waits desk={desk} />}
      </main>
      <KeysDialog />
    </>
  );
}

function Head({ desk }: { desk: Desk }) {
  const who = desk.who.value;
  return (
    <header>
      <p class="product">
        <strong>{en.product}</strong> <span>{en.page}</span>
      </p>
      {who.is === "in" && (
        <div class="tools">
          <span>{en.signedInAs(who.login.name)}</span>
          <button type="button" class="quiet" onClick={() => (keysShown.value = true)}>
            {en.keys.open} <kbd>?</kbd>
          </button>
          <button type="button" class="quiet" onClick={() => void desk.signOut()}>
            {en.signOut}
          </button>
        </div>
      )}
    </header>
  );
}

/** What is waited for, or what went wrong, where the page has nothing else to show. */
function Waits({ desk }: { desk: Desk }) {
  return (
    <>
      {desk.waiting.value !== null && <Waiting what={desk.waiting.value} />}
      {desk.trouble.value !== null && (
        <Trouble words={desk.trouble.value} again={() => void desk.start(desk.session.value)} />
      )}
    </>
  );
}
