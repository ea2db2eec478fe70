/** Says an error in words: what happened, what is safe, what to do. */

import { ProblemError, Unreachable } from "../api";
import { en } from "./en";

export function troubleWords(error: unknown): string {
  if (error instanceof Unreachable) return en.trouble.unreachable;
  if (!(error instanceof ProblemError)) throw error; // a bug of ours: never worded away
  const known = en.trouble.codes[error.code];
  if (known !== undefined) return known;
  if (error.status === 403) return en.trouble.forbidden;
  // The server's own sentence, where there is one, knows more than a status.
  return error.status < 500 && error.detail !== ""
    ? sentenceOf(error.detail)
    : en.trouble.unknown(error.status);
}

/** The same of one part of a batch: a problem's code and the server's own words. */
export function troubleOf(code: string, detail: string): string {
  return en.trouble.codes[code] ?? sentenceOf(detail || code);
}

function sentenceOf(detail: string): string {
  return `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`.replace(/\.\.$/, ".");
}
