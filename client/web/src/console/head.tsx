import { en } from "../text/en";
import { Trouble, Waiting } from "../ui/notices";
import { keysShown } from "./letters";
import { pagesFor, type StaffPage, type StaffPageName } from "./login";

export const ADDRESSES: Readonly<Record<StaffPageName, string>> = {
  wall: "/console",
  reviews: "/console/review",
  identity: "/console/identity",
  agreement: "/console/agreement",
};

/** The head of every page of the console: what there is besides, and who is signed in. */
export function Head({ desk, here }: { desk: StaffPage; here: StaffPageName }) {
  const who = desk.who.value;
  return (
    <header>
      <p class="product">
        <strong>{en.product}</strong>
      </p>
      <nav class="pages" aria-label={en.pages.label}>
        {pagesFor(who, here).map((page) => (
          <a key={page} href={ADDRESSES[page]} aria-current={page === here ? "page" : undefined}>
            {en.pages[page]}
          </a>
        ))}
      </nav>
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

/** What went wrong or is waited for, where the page has nothing else to show. */
export function Waits({ desk, again }: { desk: StaffPage; again: () => void }) {
  return (
    <>
      {desk.waiting.value !== null && <Waiting what={desk.waiting.value} />}
      <Failed desk={desk} again={again} />
    </>
  );
}

/** What went wrong, with a way to try again where that can help. */
export function Failed({ desk, again }: { desk: StaffPage; again: () => void }) {
  const words = desk.trouble.value;
  if (words === null) return null;
  return desk.mayTryAgain() ? <Trouble words={words} again={again} /> : <Trouble words={words} />;
}
