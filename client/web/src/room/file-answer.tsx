import { useState } from "preact/hooks";
import { room } from "../text/room";
import { sizeWords } from "../text/when";
import { Waiting } from "../ui/notices";
import { StorageFull } from "./device";
import { fileIn, fileProblem, fileType, type Item } from "./items";
import type { Running } from "./running";

interface Props {
  running: Running;
  section: string;
  item: Item;
  number: number;
}

/** A file to hand in: checked here, then kept in the log with its bytes. */
export function FileAnswer({ running, section, item, number }: Props) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const given = fileIn(running.answers.response(item.id));

  async function give(file: File) {
    const wrong = fileProblem(item, file);
    setProblem(wrong === null ? null : room.answer.fileProblem[wrong]);
    if (wrong !== null) return;
    setBusy(true);
    try {
      await running.upload(section, item.id, file, fileType(file.type));
    } catch (error) {
      const full = error instanceof StorageFull;
      setProblem(full ? room.answer.fileNoRoom : room.answer.fileUnread);
    } finally {
      setBusy(false);
    }
  }

  const limits = room.answer.fileHint(item.suffixes.join(", "), sizeWords(item.max_bytes));
  return (
    <div class="written">
      {given !== null && <p>{room.answer.fileIs(given.name, sizeWords(given.size))}</p>}
      <label>
        <span>
          {given === null ? room.answer.file : room.answer.fileAgain}
          <span class="spoken">{room.work.ofQuestion(number)}</span>
        </span>
        <input
          type="file"
          accept={item.suffixes.join(",")}
          disabled={busy}
          aria-describedby={`f-${item.id} s-${item.id}`}
          onChange={(event) => {
            const field = event.currentTarget;
            const file = field.files?.[0];
            // So that the same file can be chosen again after it was mended.
            if (file !== undefined) void give(file).then(() => (field.value = ""));
          }}
        />
        <small id={`f-${item.id}`}>{limits}</small>
      </label>
      <p role="alert" class="refused">
        {problem !== null && `${problem} ${limits} ${room.answer.keeps}`}
      </p>
      {busy && <Waiting what={room.answer.fileWait} />}
    </div>
  );
}
