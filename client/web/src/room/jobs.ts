/** One thing at a time that may take a while or be refused: what is waited for, and what went wrong. */

import { batch, signal } from "@preact/signals";
import { ProblemError } from "../api";
import { NotSaved } from "./answers";
import { type Blocked, blockedBy } from "./blocked";
import { DeviceStopped } from "./device";

export class Jobs {
  /** What is waited for, in words. */
  readonly busy = signal<string | null>(null);
  /** What went wrong last: the server's refusal, or a code of `blocked.ts`. */
  readonly trouble = signal<ProblemError | string | null>(null);
  readonly #block: (why: Blocked) => void;

  /** `block` is told of what no page of the session can mend. */
  constructor(block: (why: Blocked) => void) {
    this.#block = block;
  }

  /** Does it, unless another is under way. */
  async do(what: string, work: () => Promise<void>): Promise<void> {
    if (this.busy.peek() !== null) return;
    batch(() => {
      this.busy.value = what;
      this.trouble.value = null;
    });
    try {
      await work();
    } catch (error) {
      this.failed(error);
    } finally {
      if (this.busy.peek() === what) this.busy.value = null;
    }
  }

  failed(error: unknown): void {
    if (error instanceof DeviceStopped) return; // its line says why
    if (error instanceof ProblemError && error.code === "system-refused") {
      return this.#block(blockedBy(error));
    }
    if (error instanceof NotSaved) this.trouble.value = "not-saved";
    else this.trouble.value = error instanceof ProblemError ? error : blockedBy(error).code;
  }
}
