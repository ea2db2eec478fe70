/**
 * JSON that means one thing to every reader.
 *
 * `JSON.parse` keeps the last of two equal keys, rounds large numbers, takes halves of surrogate
 * pairs, forgets whether a number was written `2` or `2.0` and moves keys that look like numbers to
 * the front. A record must not say one thing to the server and another to the page that verifies
 * it.
 */

/** What was read. Objects are Maps: they keep any key, and the order the writer gave. */
export type Json =
  | null
  | boolean
  | number
  | Fraction
  | string
  | readonly Json[]
  | ReadonlyMap<string, Json>;

/** What can be written. A Map where the order of keys matters or a key may look like a number. */
export type Writable =
  | null
  | boolean
  | number
  | string
  | readonly Writable[]
  | ReadonlyMap<string, Writable>
  | { readonly [key: string]: Writable };

/** A number spelled with a fraction or an exponent: `2.0` is not the size 2. */
export class Fraction {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A text that is no such JSON, or a value that no such JSON spells. */
export class NoJson extends Error {}

/** Objects and lists in one another: readers' own limits differ. */
export const MAX_DEPTH = 32;

const SURROGATE = /\p{Surrogate}/u;
const BLANKS = /[ \t\n\r]*/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const UNIT = /[0-9a-fA-F]{4}/y;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);
const WORDS: readonly (readonly [string, Json])[] = [
  ["null", null],
  ["true", true],
  ["false", false],
];

/**
 * The JSON value that `text` is, nothing before or after it.
 *
 * Throws NoJson: it is none or more than one; a key stands twice in an object; a number is beyond
 * ±(2^53 - 1); half a surrogate pair is escaped; or it is deeper than `MAX_DEPTH`.
 */
export function readStrictly(text: string): Json {
  const reader = new Reader(text);
  const value = reader.value(1);
  if (reader.at !== text.length) throw new NoJson("more than one JSON value");
  return value;
}

/**
 * The shortest spelling of a value, letters beyond ASCII as they are: what Python's
 * `json.dumps(separators=(",", ":"), ensure_ascii=False)` writes.
 *
 * Throws NoJson: a number that is no whole one within ±(2^53 - 1), because Python and JavaScript
 * spell others each in their own way (`1.0` and `1`, `1e-07` and `1e-7`); half a surrogate pair;
 * deeper than `MAX_DEPTH`; or no JSON at all.
 */
export function write(value: Writable, depth = 1): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new NoJson(`${value} is no whole number within 2^53`);
    return String(value);
  }
  if (typeof value === "string") return quoted(value);
  if (depth > MAX_DEPTH) throw new NoJson(`deeper than ${MAX_DEPTH}`);
  if (isList(value)) return `[${value.map((each) => write(each, depth + 1)).join(",")}]`;
  const fields = entriesOf(value).map(([key, each]) => `${quoted(key)}:${write(each, depth + 1)}`);
  return `{${fields.join(",")}}`;
}

/** Keys and values of an object that is to be written, in order. */
export function entriesOf(
  value: ReadonlyMap<string, Writable> | { readonly [key: string]: Writable },
): (readonly [string, Writable])[] {
  if (value instanceof Map) return [...value];
  const kind: unknown = typeof value === "object" && value && Object.getPrototypeOf(value);
  if (kind !== Object.prototype && kind !== null) throw new NoJson("a value that is no JSON");
  return Object.entries(value);
}

// Array.isArray alone does not narrow a readonly list away.
function isList(value: Writable): value is readonly Writable[] {
  return Array.isArray(value);
}

function quoted(text: string): string {
  if (SURROGATE.test(text)) throw new NoJson("half a surrogate pair");
  return JSON.stringify(text);
}

class Reader {
  at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Json {
    const next = this.#text[this.at];
    if (next === '"') return this.#string();
    if (next === "{" || next === "[") {
      if (depth > MAX_DEPTH) throw new NoJson(`deeper than ${MAX_DEPTH}`);
      return next === "{" ? this.#object(depth) : this.#list(depth);
    }
    const word = WORDS.find(([spelling]) => this.#text.startsWith(spelling, this.at));
    if (word === undefined) return this.#number();
    this.at += word[0].length;
    return word[1];
  }

  #object(depth: number): ReadonlyMap<string, Json> {
    const fields = new Map<string, Json>();
    this.at += 1;
    this.#match(BLANKS);
    if (this.#took("}")) return fields;
    for (;;) {
      if (this.#text[this.at] !== '"') throw new NoJson(`no key at ${this.at}`);
      const key = this.#string();
      // Readers differ in which of two equal keys they keep: a line must mean one thing.
      if (fields.has(key)) throw new NoJson("a key stands twice");
      this.#match(BLANKS);
      if (!this.#took(":")) throw new NoJson(`no colon at ${this.at}`);
      this.#match(BLANKS);
      fields.set(key, this.value(depth + 1));
      this.#match(BLANKS);
      if (this.#took("}")) return fields;
      if (!this.#took(",")) throw new NoJson(`no comma at ${this.at}`);
      this.#match(BLANKS);
    }
  }

  #list(depth: number): readonly Json[] {
    const list: Json[] = [];
    this.at += 1;
    this.#match(BLANKS);
    if (this.#took("]")) return list;
    for (;;) {
      list.push(this.value(depth + 1));
      this.#match(BLANKS);
      if (this.#took("]")) return list;
      if (!this.#took(",")) throw new NoJson(`no comma at ${this.at}`);
      this.#match(BLANKS);
    }
  }

  #string(): string {
    this.at += 1;
    let text = this.#match(PLAIN);
    if (this.#took('"')) return text;
    while (!this.#took('"')) {
      if (!this.#took("\\")) throw new NoJson(`no end of a string, or a control at ${this.at}`);
      text += this.#escaped() + this.#match(PLAIN);
    }
    // Half a surrogate pair parses, and then breaks whoever writes it as UTF-8.
    if (SURROGATE.test(text)) throw new NoJson("half a surrogate pair");
    return text;
  }

  #escaped(): string {
    const letter = this.#text[this.at] ?? "";
    this.at += 1;
    if (letter === "u") return String.fromCharCode(parseInt(this.#match(UNIT), 16));
    const meant = ESCAPES.get(letter);
    if (meant === undefined) throw new NoJson(`no escape at ${this.at}`);
    return meant;
  }

  #number(): number | Fraction {
    NUMBER.lastIndex = this.at;
    const found = NUMBER.exec(this.#text);
    if (found === null) throw new NoJson(`no value at ${this.at}`);
    this.at += found[0].length;
    const value = Number(found[0]);
    if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) {
      throw new NoJson("a number that readers round each in their own way");
    }
    // Plus 0, because a whole -0 is 0.
    return found[1] === undefined && found[2] === undefined ? value + 0 : new Fraction(value);
  }

  #match(what: RegExp): string {
    what.lastIndex = this.at;
    const found = what.exec(this.#text)?.[0];
    if (found === undefined) throw new NoJson(`no JSON at ${this.at}`);
    this.at += found.length;
    return found;
  }

  #took(letter: string): boolean {
    if (this.#text[this.at] !== letter) return false;
    this.at += 1;
    return true;
  }
}
