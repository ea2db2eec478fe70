import { en } from "../text/en";
import { Dialog } from "../ui/dialog";
import { keysShown, letters, setLetters } from "./listen";

export function KeysDialog() {
  const close = () => (keysShown.value = false);
  return (
    <Dialog open={keysShown.value} heading={en.keys.heading} onClose={close}>
      <dl class="keys">
        {en.keys.list.map(([keys, what]) => (
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
