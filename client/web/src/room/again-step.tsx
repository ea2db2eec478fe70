import { again as words } from "../text/again";
import { Trouble, Waiting } from "../ui/notices";
import { Picture } from "./picture";
import type { Running } from "./running";
import { wordsOf } from "./trouble";

/** Face and document once more, while the exam goes on: with the last picture they are sent. */
export function AgainStep({ running }: { running: Running }) {
  const { again } = running;
  const next = again.next.value;
  const busy = again.jobs.busy.value;
  const trouble = again.jobs.trouble.value;
  return (
    <>
      {next !== null ? (
        <Picture
          key={next}
          running={running}
          purpose={next}
          busy={busy}
          within
          onUse={(still) => void again.use(next, still)}
        />
      ) : (
        <>
          <p>{words.taken(again.wanted.length)}</p>
          {busy !== null ? (
            <>
              <Waiting what={busy} />
              <p class="hint">{words.close}</p>
            </>
          ) : (
            <div class="steps">
              <button type="button" onClick={() => void again.send()}>
                {words.send}
              </button>
            </div>
          )}
        </>
      )}
      {trouble !== null && <Trouble words={wordsOf(trouble, running.now_ms.value)} />}
    </>
  );
}
