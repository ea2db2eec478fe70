import { en } from "../text/en";
import { Dialog } from "../ui/dialog";
import { keysShown, letters, setLetters } from "./letters";

/** `list`: the keys of the page that it is on, and what each does. */
export function KeysDialog({ list }: { list: readonly (readonly [string, string])[] }) {
  const close = () => (keysShown.value = false);
  return (
    <Dialog open={keysShown.value} heading={en.keys.heading} onClose={close}>
      <dl class="keys">
        {list.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <label>
        <input
          type="checkbox"
          checked={letters.value}
          onChange={(event) => setLetters(event.currentTarget.checked)}
        />
        {en.keys.letters}
      </label>
      <footer>
        <button type="button" onClick={close}>
          {en.keys.close}
        </button>
      </footer>
    </Dialog>
  );
}
