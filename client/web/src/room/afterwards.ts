/** What is asked of the exam server once an exam has ended, and what came of it. */

import { computed, signal } from "@preact/signals";
import { ProblemError, Unreachable } from "../api";
import { base64, type Bytes } from "../evidence/bytes";
import { after } from "../text/after";
import {
  type After,
  afterOf,
  answerProblem,
  contestOf,
  type File_,
  fileProblem,
  isSame,
  MAX_NAME_CHARS,
} from "./after";
import type { Device } from "./device";
import { fileType } from "./items";

// Files are sent and bundles are made while somebody waits: on a slow line that takes minutes.
const PATIENCE_MS = 5 * 60_000;
/** Pictures that are kept while the page is open; the oldest goes for each that comes. */
const PICTURES_MOST = 120;

/** A device, as far as this needs one. */
export type Asked = Pick<Device, "after" | "afterFile">;

/** A file to be sent with the answer. */
export interface Added extends File_ {
  data_base64: string;
}

/** Of so many files that were chosen at once, why each of some was not added. */
export interface NotAdded {
  of: number;
  whys: readonly string[];
}

const NONE: NotAdded = { of: 0, whys: [] };

/** Where pictures become addresses; tests bring their own. */
export type Urls = Pick<typeof URL, "createObjectURL" | "revokeObjectURL">;

export class Afterwards {
  readonly told = signal<After | null>(null);
  /** What did not work, in words. */
  readonly trouble = signal<string | null>(null);
  /** What is waited for, in words. */
  readonly busy = signal<string | null>(null);
  /** The answer as it is being written. */
  readonly text = signal("");
  readonly flags = signal<ReadonlyMap<string, string>>(new Map());
  readonly files = signal<readonly Added[]>([]);
  /** Something is written that was not sent. */
  readonly isWritten = computed(
    () =>
      this.files.value.length > 0 ||
      [this.text.value, ...this.flags.value.values()].some((words) => words.trim() !== ""),
  );
  /** Why the answer can't be sent as it is, in words. */
  readonly problem = signal<string | null>(null);
  /** Of the files that were chosen last: how many, and why some were not added, in words. */
  readonly notAdded = signal<NotAdded>(NONE);
  readonly #device: Asked;
  readonly #urls: Urls;
  readonly #pictures = new Map<string, Promise<string>>();

  constructor(device: Asked, urls: Urls = URL) {
    this.#device = device;
    this.#urls = urls;
  }

  /** Asks for all of it; what is being written stays. */
  load(): Promise<void> {
    return this.#do(after.wait, async () => {
      const asked = ["timeline", "outcome", "looks"].map((path) => this.#device.after(path));
      const [timeline, outcome, looks] = await Promise.all(asked);
      this.told.value = afterOf(timeline, outcome, looks);
    });
  }

  // --- pictures ---------------------------------------------------------------------------------

  /** The address of a picture, which an `<img>` may have. Throws ProblemError, Unreachable. */
  picture(sha256: string): Promise<string> {
    let url = this.#pictures.get(sha256);
    if (url === undefined) {
      // The bytes need the device's token, which an `<img>` can't send.
      url = this.#device
        .afterFile(`blobs/${encodeURIComponent(sha256)}`)
        .then((blob) => this.#urls.createObjectURL(blob));
      url.catch(() => this.#pictures.delete(sha256));
    }
    this.#pictures.delete(sha256); // the one that was wanted last stands last
    this.#pictures.set(sha256, url);
    for (const [old, address] of [...this.#pictures].slice(0, -PICTURES_MOST)) {
      this.#pictures.delete(old);
      this.#revoke(address);
    }
    return url;
  }

  #revoke(address: Promise<string>): void {
    address.then(
      (url) => this.#urls.revokeObjectURL(url),
      () => undefined, // it was never made
    );
  }

  close(): void {
    for (const address of this.#pictures.values()) this.#revoke(address);
    this.#pictures.clear();
  }

  // --- the bundle -------------------------------------------------------------------------------

  /** All of the evidence; null where it did not come, and `trouble` says why. */
  async bundle(): Promise<Blob | null> {
    let file: Blob | null = null;
    await this.#do(after.keep.wait, async () => {
      file = await this.#device.afterFile("bundle", PATIENCE_MS);
    });
    return file;
  }

  // --- the answer -------------------------------------------------------------------------------

  write(text: string): void {
    this.text.value = text;
    this.problem.value = null;
  }

  writeTo(flag: string, text: string): void {
    this.flags.value = new Map([...this.flags.value, [flag, text]]);
    this.problem.value = null;
  }

  /** Whether something is written to a flag that was not sent. */
  isWrittenTo(flag: string): boolean {
    return (this.flags.value.get(flag) ?? "").trim() !== "";
  }

  /** Adds those that can be sent; of each other, `notAdded` says why. */
  async add(files: readonly File[]): Promise<void> {
    this.problem.value = null;
    this.notAdded.value = NONE;
    const whys: string[] = [];
    for (const file of files) {
      const why = fileProblem(this.files.value.length, file) ?? (await this.#read(file));
      if (why !== null) whys.push(why);
    }
    this.notAdded.value = { of: files.length, whys };
  }

  /** Adds a file; returns why it could not, in words, or null. */
  async #read(file: File): Promise<string | null> {
    const { name, type, size } = file;
    try {
      const data_base64 = base64(new Uint8Array(await file.arrayBuffer()) satisfies Bytes);
      // From its end, where its kind stands.
      const shorter = name.slice(-MAX_NAME_CHARS);
      const added = { name: shorter, type: fileType(type), size, data_base64 };
      this.files.value = [...this.files.value, added];
      return null;
    } catch {
      return after.answer.problem.unread(name);
    }
  }

  remove(file: Added): void {
    this.files.value = this.files.value.filter((one) => one !== file);
    this.problem.value = null;
    this.notAdded.value = NONE;
  }

  /** Whether it could be sent as it is; `problem` says why not. */
  ready(): boolean {
    this.problem.value = answerProblem(this.text.value, this.flags.value);
    return this.problem.value === null;
  }

  /** Sends it, and reads everything anew. */
  async send(): Promise<void> {
    if (!this.ready()) return;
    let taken = false;
    await this.#do(after.answer.wait, async () => {
      const files = this.files.value.map(({ name, type, data_base64 }) => ({
        name,
        type,
        data_base64,
      }));
      await this.#device.after(
        "contest",
        contestOf(this.text.value, this.flags.value, files),
        PATIENCE_MS,
      );
      taken = true;
    });
    // Also where no answer came: it may have been taken all the same.
    const trouble = this.trouble.value;
    await this.load();
    const answered = this.told.value?.answered ?? null;
    const { value: words } = this.text;
    if (answered !== null && (taken || isSame(answered, words, this.flags.value, this.files.value)))
      this.#clear();
    else this.trouble.value ??= trouble;
  }

  /** Only once it was taken: until then it stays where it was written. */
  #clear(): void {
    this.text.value = "";
    this.flags.value = new Map();
    this.files.value = [];
    this.notAdded.value = NONE;
  }

  async #do(what: string, work: () => Promise<void>): Promise<void> {
    this.busy.value = what;
    this.trouble.value = null;
    try {
      await work();
    } catch (error) {
      this.trouble.value = troubleWords(error);
    } finally {
      this.busy.value = null;
    }
  }
}

function troubleWords(error: unknown): string {
  const { trouble } = after;
  if (error instanceof Unreachable) return trouble.unreachable;
  if (error instanceof ProblemError) return trouble.codes[error.code] ?? trouble.other;
  throw error; // a bug of ours: never worded away
}
