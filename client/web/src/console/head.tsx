import { en } from "../text/en";
import { Trouble, Waiting } from "../ui/notices";
import { keysShown } from "./letters";
import { pagesOf, type StaffPage, type StaffPageName } from "./login";

export const ADDRESSES: Readonly<Record<StaffPageName, string>> = {
  wall: "/console",
  reviews: "/console/review",
  identity: "/console/identity",
  agreement: "/console/agreement",
};

/** The head of every page of the console: what there is besides, and who is signed in. */
export function Head({ desk, here }: { desk: StaffPage; here: StaffPageName }) {
  const who = desk.who.value;
  const may = who.is === "in" ? pagesOf(who.login.role) : [];
  const pages = may.includes(here) ? may : [here, ...may];
  return (
    <header>
      <p class="product">
        <strong>{en.product}</strong>
      </p>
      <nav class="pages" aria-label={en.pages.label}>
        {pages.map((page) => (
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
      {desk.trouble.value !== null && <Trouble words={desk.trouble.value} again={again} />}
    </>
  );
}
