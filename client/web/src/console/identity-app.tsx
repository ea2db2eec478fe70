import { identity } from "../text/identity";
import { Head, Waits } from "./head";
import { IdQueueList } from "./id-queue";
import { IdCheckPage } from "./id-check-page";
import type { IdentityDesk } from "./identity-desk";
import { KeysDialog } from "./keys-dialog";
import { SignIn } from "./sign-in";

export function IdentityApp({ desk, zone }: { desk: IdentityDesk; zone: string }) {
  const who = desk.who.value;
  const waits = <Waits desk={desk} again={() => void desk.start(desk.session.value)} />;
  const open = desk.session.value !== null;
  return (
    <>
      <Head desk={desk} here="identity" />
      {who.is !== "in" ? (
        <main>
          {who.is === "nobody" ? (
            <SignIn desk={desk} heading={identity.signIn} because={who.because} />
          ) : (
            waits
          )}
        </main>
      ) : (
        <main class={open ? "desk" : undefined}>
          <IdQueueList desk={desk} zone={zone} aside={open} />
          {open && <IdCheckPage desk={desk} zone={zone} />}
          {!open && waits}
        </main>
      )}
      <KeysDialog list={identity.keys} />
    </>
  );
}
