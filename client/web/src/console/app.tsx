import { en } from "../text/en";
import type { Desk } from "./desk";
import { Head, Waits } from "./head";
import { KeysDialog } from "./keys-dialog";
import { Queue } from "./queue-list";
import { Session } from "./session";
import { SignIn } from "./sign-in";

export function App({ desk, zone }: { desk: Desk; zone: string }) {
  const who = desk.who.value;
  if (who.is !== "in")
    return (
      <>
        <Head desk={desk} here="reviews" />
        <main>{who.is === "nobody" ? <SignIn desk={desk} heading={en.signIn.heading} because={who.because} /> : <Waits desk={desk} again={() => void desk.start(desk.session.value)} />}</main>
      </>
    );
  const open = desk.session.value !== null;
  return (
    <>
      <Head desk={desk} here="reviews" />
      <main class={open ? "desk" : undefined}>
        <Queue desk={desk} zone={zone} aside={open} />
        {open && <Session desk={desk} zone={zone} />}
        {!open && <Waits desk={desk} again={() => void desk.start(desk.session.value)} />}
      </main>
      <KeysDialog list={en.keys.list} />
    </>
  );
}
