import { useState } from "preact/hooks";
import type { Attachment } from "../api";
import { desk as words } from "../text/desk";
import { troubleWords } from "../text/problems";
import { sizeWords } from "../text/when";
import { download } from "../ui/download";
import { Trouble } from "../ui/notices";
import type { Looks } from "./looks";

interface Props {
  looks: Looks;
  session: string;
  attachments: readonly Attachment[];
}

/** Files the learner sent with an answer. Nothing of them is opened by itself. */
export function Attachments({ looks, session, attachments }: Props) {
  const [trouble, setTrouble] = useState<string | null>(null);
  if (attachments.length === 0) return null;
  const open = async ({ name, sha256 }: Attachment) => {
    setTrouble(null);
    try {
      const file = await looks.file(session, sha256);
      // Downloaded: what a stranger sent is never shown inside this page, whatever it says it is.
      download(new Blob([file], { type: "application/octet-stream" }), name);
    } catch (error) {
      setTrouble(troubleWords(error));
    }
  };
  return (
    <>
      <h3>{words.answer.attachments}</h3>
      <ul class="attachments">
        {attachments.map((each) => (
          <li key={each.sha256}>
            <button type="button" class="quiet" onClick={() => void open(each)}>
              {words.answer.open(each.name, sizeWords(each.size))}
            </button>
          </li>
        ))}
      </ul>
      {trouble !== null && <Trouble words={trouble} />}
    </>
  );
}
