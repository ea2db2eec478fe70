import { useState } from "preact/hooks";
import { after } from "../text/after";
import { moment } from "../text/when";
import { Dialog } from "../ui/dialog";
import { Notice, Trouble, Waiting } from "../ui/notices";
import { type After, type Answered, MAX_FILE_BYTES, MAX_FILES, MAX_TEXT_CHARS } from "./after";
import type { Afterwards } from "./afterwards";

interface Props {
  here: Afterwards;
  told: After;
  zone: string;
}

/** What the learner answers to what was decided, once; then what they answered. */
export function Answer({ here, told, zone }: Props) {
  return (
    <section class="chapter" id="answer">
      <h2>{after.answer.heading}</h2>
      {told.answered !== null && (
        <Sent answered={told.answered} when={moment(told.answered.at_ms, told.now_ms, zone)} />
      )}
      {/* What was not taken stays where it was written: it may be copied, or sent in another way. */}
      {(told.answered === null || here.isWritten.value) && (
        <Writing here={here} isAnswered={told.answered !== null} />
      )}
    </section>
  );
}

function Writing({ here, isAnswered }: { here: Afterwards; isAnswered: boolean }) {
  const [sure, setSure] = useState(false);
  const busy = here.busy.value;
  const files = here.files.value;
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setSure(!isAnswered && here.ready());
      }}
    >
      <p>{isAnswered ? after.answer.notSent : after.answer.lead}</p>
      <label>
        {after.answer.text}
        <textarea
          rows={6}
          maxLength={MAX_TEXT_CHARS}
          value={here.text.value}
          onInput={(event) => here.write(event.currentTarget.value)}
        />
      </label>
      <Files here={here} />
      {here.problem.value !== null && <Trouble words={here.problem.value} />}
      {here.trouble.value !== null && (
        <Trouble words={`${here.trouble.value} ${after.answer.kept}`} />
      )}
      {!isAnswered && (
        <div class="steps">
          <button type="submit" disabled={busy !== null}>
            {after.answer.send}
          </button>
        </div>
      )}
      {busy === after.answer.wait && <Waiting what={busy} />}
      <Dialog open={sure} heading={after.answer.sureHeading} onClose={() => setSure(false)}>
        <p>{after.answer.sure}</p>
        <p>{after.answer.goesAlong(files.length)}</p>
        {files.length > 0 && (
          <ul>
            {files.map(({ name, size }, at) => (
              <li key={at}>{after.answer.file(name, size)}</li>
            ))}
          </ul>
        )}
        <footer>
          <button type="button" class="secondary" onClick={() => setSure(false)}>
            {after.answer.no}
          </button>
          <button
            type="button"
            class="final"
            onClick={() => {
              setSure(false);
              void here.send();
            }}
          >
            {after.answer.yes}
          </button>
        </footer>
      </Dialog>
    </form>
  );
}

function Files({ here }: { here: Afterwards }) {
  const files = here.files.value;
  const { of, whys } = here.notAdded.value;
  return (
    <>
      <label>
        {after.answer.files}
        <input
          type="file"
          multiple
          aria-describedby="files-hint"
          onChange={(event) => {
            const field = event.currentTarget;
            // So that the same file can be chosen again after it was removed.
            void here.add([...(field.files ?? [])]).then(() => (field.value = ""));
          }}
        />
        <small id="files-hint">{after.answer.filesHint(MAX_FILES, MAX_FILE_BYTES)}</small>
      </label>
      {files.length > 0 && (
        <ul>
          {files.map((file, at) => (
            <li key={at}>
              {after.answer.file(file.name, file.size)}{" "}
              <button type="button" class="quiet" onClick={() => here.remove(file)}>
                {after.answer.remove(file.name)}
              </button>
            </li>
          ))}
        </ul>
      )}
      <div role="alert">
        {whys.length > 0 && (
          <Notice needs>
            <p>{after.answer.notAdded(whys.length, of)}</p>
            <ul>
              {whys.map((why, at) => (
                <li key={at}>{why}</li>
              ))}
            </ul>
          </Notice>
        )}
      </div>
    </>
  );
}

function Sent({ answered, when }: { answered: Answered; when: string }) {
  const { text, attachments } = answered;
  return (
    <>
      <p role="status">{after.answer.sent(when)}</p>
      {text !== "" && (
        <p class="notice">
          <q>{text}</q>
        </p>
      )}
      {attachments.length > 0 && (
        <>
          <p>{after.answer.filesSent}</p>
          <ul>
            {attachments.map(({ name, sha256, size }) => (
              <li key={sha256}>{after.answer.file(name, size)}</li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
