/** Questions as the server shows them, and responses as an `answer` record carries them. */

export const KINDS = [
  "single-choice",
  "multiple-choice",
  "fill-in",
  "short-text",
  "file-upload",
] as const;
export type ItemKind = (typeof KINDS)[number];

export interface Choice {
  id: string;
  /** Sanitised by the server. */
  html: string;
}

export interface Item {
  id: string;
  kind: ItemKind;
  points: number;
  /** Sanitised by the server; may hold MathML. */
  html: string;
  choices: Choice[];
  /** Of a file-upload: bytes, and endings in lower case such as ".pdf". */
  max_bytes: number;
  suffixes: string[];
}

export interface FileNamed {
  name: string;
  sha256: string;
  size: number;
}

/** What the server takes: `domain/exam.py`, `check_response`. */
const MOST = { "fill-in": 1000, "short-text": 20_000 } as const;
const MAX_UPLOAD_BYTES = 4 * 1024 * 1024;
const MAX_NAME = 255;

export function mostCharacters(kind: "fill-in" | "short-text"): number {
  return MOST[kind];
}

/** The items of an answer of the server, or of what was kept of one; what is none is left out. */
export function itemsOf(value: unknown): Item[] {
  return listOf(value).flatMap((one) => {
    const { id, kind, points, html, choices, max_bytes, suffixes } = fieldsOf(one);
    const known = KINDS.find((each) => each === kind);
    if (typeof id !== "string" || known === undefined) return [];
    return {
      id,
      kind: known,
      points: typeof points === "number" ? points : 0,
      html: textOf(html),
      choices: listOf(choices).map((choice) => {
        const { id, html } = fieldsOf(choice);
        return { id: textOf(id), html: textOf(html) };
      }),
      max_bytes: typeof max_bytes === "number" ? max_bytes : MAX_UPLOAD_BYTES,
      suffixes: listOf(suffixes).map(textOf),
    };
  });
}

/** Whether a response counts as none: nothing chosen, nothing but blanks. */
export function isEmpty(response: unknown): boolean {
  if (response === undefined || response === null) return true;
  if (typeof response === "string") return response.trim() === "";
  return Array.isArray(response) && response.length === 0;
}

/** Whether two responses say the same; nothing and blanks do. */
export function sameResponse(one: unknown, other: unknown): boolean {
  if (isEmpty(one) || isEmpty(other)) return isEmpty(one) && isEmpty(other);
  return spelled(one) === spelled(other);
}

function spelled(response: unknown): string {
  const file = fileIn(response);
  return JSON.stringify(file ?? response);
}

export function textIn(response: unknown): string {
  return typeof response === "string" ? response : "";
}

export function chosenIn(response: unknown): string[] {
  return listOf(response).filter((one) => typeof one === "string");
}

export function fileIn(response: unknown): FileNamed | null {
  const { name, sha256, size } = fieldsOf(response);
  return typeof name === "string" && typeof sha256 === "string" && typeof size === "number"
    ? { name, sha256, size }
    : null;
}

/** The choices with one of them ticked or not; sorted, as the server asks. */
export function ticked(response: unknown, choice: string, on: boolean): string[] {
  const others = chosenIn(response).filter((one) => one !== choice);
  return (on ? [...others, choice] : others).sort();
}

/** The text without what no answer may hold: control characters, halves of characters. */
export function cleaned(text: string, most: number): string {
  const kept = text.replace(/\r\n?/g, "\n").replace(/(?![\t\n])\p{Cc}|\p{Surrogate}/gu, "");
  if (kept.length <= most) return kept;
  // Never through the middle of a character.
  return kept.slice(0, most).replace(/\p{Surrogate}$/u, "");
}

export type FileProblem = "name" | "suffix" | "large" | "empty";

/** Why a file is no answer to an item, or null. */
export function fileProblem(item: Item, file: { name: string; size: number }): FileProblem | null {
  if (file.name.length > MAX_NAME || cleaned(file.name, MAX_NAME) !== file.name) return "name";
  if (/[/\\\t\n\r]/.test(file.name)) return "name";
  if (!item.suffixes.some((suffix) => file.name.toLowerCase().endsWith(suffix))) return "suffix";
  if (file.size === 0) return "empty";
  return file.size > Math.min(item.max_bytes, MAX_UPLOAD_BYTES) ? "large" : null;
}

/** The type that a file is sent under: the browser's, where a record can carry it. */
export function fileType(type: string): string {
  const plain = type.split(";")[0]?.trim().toLowerCase() ?? "";
  const part = "[a-z0-9][a-z0-9.+-]{0,63}";
  return new RegExp(`^${part}/${part}$`).test(plain) ? plain : "application/octet-stream";
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
