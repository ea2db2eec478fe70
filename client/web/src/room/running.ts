/** A session that is open in this tab: what is shown of it, and what can be done there. */

import { computed, effect, signal, untracked } from "@preact/signals";
import { ProblemError, Unreachable } from "../api";
import type { Writable } from "../evidence/json";
import { digestOf } from "../evidence/sha256";
import { room } from "../text/room";
import { actsOf, askedStillAt } from "./acts";
import { Again } from "./again";
import { Answers, type Given } from "./answers";
import type { Blocked } from "./blocked";
import { Camera } from "./camera";
import { Capture } from "./capture";
import { CheckIn } from "./check-in";
import { type Device, DeviceStopped } from "./device";
import { Images } from "./images";
import { fieldsOf, type Item, itemsOf } from "./items";
import { Jobs } from "./jobs";
import { found, leave, sorted, type Word } from "./last-words";
import type { Notes } from "./notes";
import { rehearsalCode } from "./rehearsal-later";
import { nameOf, openSection, type Screen, screenOf } from "./state";
import { watch } from "./watch";

/** What is shown in minutes needs no more. */
const TICK_MS = 500;
/** Before the end of a section: from then on, what is typed is written at every tick. */
const LAST_MS = 2000;
/** How often what a push may have missed is asked for. */
const ASK_MS = 10_000;
/** After how long without the server a learner is told: a short cut is nobody's matter. */
const OFFLINE_MS = 4000;

/** Troubles that pass when room is made. */
const NO_ROOM: readonly unknown[] = ["not-saved", "storage-full"];

/** A session that is open in this tab. */
export class Running {
  readonly device: Device;
  readonly notes: Notes;
  readonly answers: Answers;
  readonly camera = new Camera();
  readonly capture: Capture;
  readonly images: Images;
  readonly checkIn: CheckIn;
  readonly again: Again;
  readonly now_ms = signal(0);
  readonly busy;
  readonly trouble;
  readonly items = signal<{ section: string; items: Item[] } | null>(null);
  /** The section is being handed in: it waits for the server, and can be called off. */
  readonly leaving = signal(false);
  /** The server was asked for that: it can't be called off any more. */
  readonly asked = signal(false);
  readonly #submitted = signal(false);
  /** The screen whose own doings are done. */
  #followed = "";
  /** The section for which it is known what was answered on other computers. */
  #adopted = "";
  /** Counts the tries to hand a section in: one that was called off must not go on. */
  #tries = 0;
  /** What was typed before the page went away, and could not be taken yet. */
  #words: Word[] = [];
  readonly #jobs: Jobs;
  readonly #ends: (() => void)[] = [];

  constructor(device: Device, notes: Notes, block: (why: Blocked) => void) {
    this.device = device;
    this.notes = notes;
    this.#jobs = new Jobs(block);
    this.busy = this.#jobs.busy;
    this.trouble = this.#jobs.trouble;
    this.checkIn = new CheckIn(device, this.camera, this.#jobs);
    const pictures = this.checkIn.wanted.filter((each) => each !== "second-camera");
    this.again = new Again(device, pictures, new Jobs(block));
    const { submitted, answers } = device.memory;
    this.#submitted.value = submitted;
    this.answers = new Answers(device.line, answers, (section, item, response) =>
      device.write("answer", { section, item, response }),
    );
    this.capture = new Capture(device, this.camera);
    this.images = new Images((sha256) => device.image(sha256));
    this.#tick();
    this.#begin();
  }

  readonly screen = computed<Screen>(() =>
    screenOf({
      view: this.device.view.value,
      ...this.checkIn.standing.value,
      submitted: this.#submitted.value,
      trouble: this.device.line.value.trouble,
      now_ms: this.now_ms.value,
    }),
  );
  readonly name = computed(() => nameOf(this.screen.value));
  get #practice(): boolean {
    return this.device.joined.exam.practice === true;
  }
  readonly offline = computed(() => {
    const { connected, since_ms } = this.device.line.value;
    return !connected && this.now_ms.value - since_ms > OFFLINE_MS;
  });
  /** What proctors did, by time. */
  readonly acts = computed(() => actsOf(this.device.view.value));
  /** The section that is open, whether or not its time is over. */
  readonly section = computed(() => openSection(this.device.view.value));

  // --- sections ---------------------------------------------------------------------------

  openSection(id: string, title: string): Promise<void> {
    return this.#jobs.do(room.sections.wait(title), async () => {
      const opened = await this.device.openSection(id);
      await this.#show(id, opened.items);
    });
  }

  /** Fetches the questions of the open section, or takes those that were kept. */
  load(id: string): Promise<void> {
    if (this.items.peek()?.section === id) return Promise.resolve();
    return this.#jobs.do(room.work.wait, async () => {
      const kept = itemsOf(await this.device.kept(`items ${id}`));
      if (kept.length > 0) {
        this.items.value = { section: id, items: kept };
        return;
      }
      await this.#show(id, (await this.device.section(id)).items);
    });
  }

  async #show(id: string, items: readonly unknown[]): Promise<void> {
    this.items.value = { section: id, items: itemsOf(items) };
    await this.device.keep(`items ${id}`, items);
  }

  /** What was answered on a computer that had the session before; later, if it can't be asked. */
  async #adopt(section: string): Promise<void> {
    if (this.#adopted === section) return;
    const { received } = this.device.line.peek();
    await quietly(async () => {
      const { answers } = fieldsOf(await this.device.answers());
      if (this.section.peek()?.id !== section) return; // an answer to it would only be late
      this.answers.adopt(givenElsewhere(answers, section, this.device.joined.device), received);
      this.#adopted = section;
    });
  }

  /** Hands the open section in; with the last one, everything. */
  async handIn(id: string): Promise<void> {
    this.leaving.value = true;
    this.asked.value = false;
    this.trouble.value = null;
    this.#tries += 1;
    const mine = this.#tries;
    try {
      await this.answers.settle();
      await this.device.received(this.device.line.peek().written);
      // Now the server is there, if it was not before.
      await this.#adopt(id);
      await this.answers.settle();
      await this.device.closeSection(id, {
        wanted: () => mine === this.#tries,
        left: () => (this.asked.value = true),
      });
    } catch (error) {
      if (mine === this.#tries) this.#jobs.failed(error);
    } finally {
      if (mine === this.#tries) this.leaving.value = false;
    }
  }

  /** Calls the handing in off, as long as the server has not been asked for it. */
  stay(): void {
    this.#tries += 1;
    this.leaving.value = false;
  }

  /** Hands everything in. Sections that were not opened stay closed. */
  submit(): Promise<void> {
    return this.#jobs.do(room.handingIn.wait, async () => {
      await this.answers.settle();
      await this.again.sent();
      await this.capture.stop();
      // Before the submission, which closes the log, and while the camera is on.
      if (this.#practice) await (await rehearsalCode()).report(this.device, this.camera);
      this.#submitted.value = true;
      await this.device.submit();
    });
  }

  // --- answers and help -------------------------------------------------------------------

  /** A file is in the log with its bytes before the answer names it. */
  async upload(section: string, item: string, file: File, type: string): Promise<void> {
    const bytes = new Uint8Array(await file.arrayBuffer());
    await this.device.write("snapshot", { purpose: "file" }, { bytes, type });
    const response = { name: file.name, sha256: await digestOf(bytes), size: bytes.length };
    this.answers.change(section, item, response, true);
    await this.answers.flush();
  }

  /** Returns the place of the message in the log: a receipt beyond it means it has arrived. */
  async say(topic: "question" | "hand" | "fault", text: string): Promise<number> {
    const more = topic === "hand" ? { raised: true } : {};
    const { seq } = await this.device.write("message", { topic, text, ...more });
    if (topic === "hand") this.notes.raiseHand(true);
    if (text !== "") this.notes.ask(text, this.now_ms.peek());
    return seq;
  }

  async lowerHand(): Promise<void> {
    await this.device.write("message", { topic: "hand", text: "", raised: false });
    this.notes.raiseHand(false);
  }

  outcome(): Promise<unknown> {
    return this.device.outcome();
  }

  async decide(device: string, decision: "admit" | "refuse"): Promise<void> {
    // Beside whatever else is under way: who asks is not made to wait, and no press is lost.
    try {
      await this.device.decide(device, decision);
    } catch (error) {
      this.#jobs.failed(error);
    }
  }

  close(): void {
    for (const end of this.#ends.splice(0)) end();
    this.images.close();
    void this.#rest().then(() => this.device.close());
  }

  /** No more pictures, and the camera's light off. */
  async #rest(): Promise<void> {
    try {
      await this.capture.stop();
    } catch {
      // A device that has stopped takes no note of it: why it stopped is noted elsewhere.
    }
    this.camera.close();
  }

  // --- what goes on by itself -------------------------------------------------------------

  #begin(): void {
    const tick = setInterval(() => this.#tick(), TICK_MS);
    const ask = setInterval(() => {
      void this.#ask();
      void this.#askForWords();
      this.#again();
    }, ASK_MS);
    const { device } = this;
    this.#ends.push(
      () => clearInterval(tick),
      () => clearInterval(ask),
      watch(device, itemInFocus),
      effect(() => {
        const line = device.line.value;
        untracked(() => this.answers.notice(line));
      }),
      effect(() => this.checkIn.forget()),
      effect(() => this.again.follow()),
      this.#heedAsksForStills(),
      effect(() => this.#follow()),
    );
    const flush = () => this.#flush();
    addEventListener("pagehide", flush);
    document.addEventListener("visibilitychange", flush);
    this.#ends.push(() => {
      removeEventListener("pagehide", flush);
      document.removeEventListener("visibilitychange", flush);
    });
    this.#words = found(device.joined.session);
    this.#ends.push(
      // Before anything newer can be typed there.
      effect(() => {
        this.device.view.value;
        untracked(() => this.#takeWords(false));
      }),
    );
    void this.#askForWords();
    void this.again.recall();
    flush();
    // Words that were left because there was no room must not come back over newer ones.
    this.#ends.push(
      effect(() => {
        if (this.answers.unsaved.value === 0) untracked(() => this.#note());
      }),
    );
  }

  /** A proctor's wish that came before this page did is met by the snapshot it begins with. */
  #heedAsksForStills(): () => void {
    const asked_ms = computed(() => askedStillAt(this.device.view.value) ?? 0);
    let heeded_ms = asked_ms.peek();
    return effect(() => {
      if (asked_ms.value <= heeded_ms) return;
      heeded_ms = asked_ms.value;
      untracked(() => void this.capture.now());
    });
  }

  /** Does what a screen does by itself when it comes up, once nothing else is under way. */
  #follow(): void {
    const name = this.name.value;
    if (this.busy.value !== null || name === this.#followed) return;
    this.#followed = name;
    untracked(() => {
      this.trouble.value = null;
      this.#arrive(this.screen.peek());
    });
  }

  #arrive(screen: Screen): void {
    switch (screen.is) {
      case "asking":
        void this.checkIn.welcome();
        break;
      case "section":
        if (this.camera.state.peek() === "off") void this.camera.open(); // after a reload
        this.capture.start();
        void this.load(screen.section);
        void this.#adopt(screen.section);
        break;
      case "time-up":
        this.stay();
        this.#again();
        void this.#ask();
        break;
      case "handing-in":
        void this.submit();
        break;
      case "done":
      case "terminated":
      case "expired":
      case "stopped":
        void this.#rest();
    }
  }

  #tick(): void {
    const now_ms = this.device.clock.nowMs();
    this.now_ms.value = now_ms;
    const closes_at_ms = this.section.peek()?.closes_at_ms ?? null;
    // What is typed in the last moment is to arrive in time.
    if (closes_at_ms !== null && Math.abs(closes_at_ms - LAST_MS - now_ms) < LAST_MS) {
      void this.answers.flush();
    }
  }

  /** A push may have been lost: what a screen waits for is asked for. */
  async #ask(): Promise<void> {
    const { is } = this.screen.peek();
    if (!["waiting", "id-refused", "time-up", "paused"].includes(is)) return;
    await quietly(async () => void (await this.device.refresh()));
  }

  /** Writes the words of the section that is open, and lets go of what would only be late. */
  #takeWords(fresh: boolean): void {
    if (this.#words.length === 0) return;
    const { take, keep } = sorted(this.#words, this.device.view.peek().sections, fresh);
    if (keep.length === this.#words.length) return;
    this.#words = keep;
    for (const { section, item, response } of take) {
      this.answers.change(section, item, response, true);
    }
    // Once they are written they must not come back over newer ones.
    this.#flush();
  }

  /** Writes all that is typed; until that is done, it is left for when the page is back. */
  #flush(): void {
    this.#note();
    void this.answers.flush().then(() => this.#note());
  }

  #note(): void {
    // The tab that took over may have newer words, and leaves them under the same name.
    if (this.screen.peek().is === "stopped") return;
    leave(this.device.joined.session, [...this.#words, ...this.answers.unwritten()]);
  }

  /** The view that was kept may be older than the words. */
  async #askForWords(): Promise<void> {
    if (this.#words.length === 0) return;
    await quietly(async () => {
      await this.device.refresh();
      this.#takeWords(true);
    });
  }

  /** What did not work for want of room, or of the server, is tried again. */
  #again(): void {
    const screen = this.screen.peek();
    switch (screen.is) {
      case "section":
        void this.#adopt(screen.section);
        this.answers.retry();
        break;
      case "handing-in":
        if (NO_ROOM.includes(this.trouble.peek())) void this.submit();
        break;
      case "sections":
      case "paused":
      case "time-up":
        this.answers.retry();
        void this.answers.flush();
    }
  }
}

/** The item that is being answered. */
function itemInFocus(): string | null {
  const question = document.activeElement?.closest<HTMLElement>("[data-item]");
  return question?.dataset["item"] ?? null;
}

/** Asks the server for what will be asked for again. */
async function quietly(ask: () => Promise<void>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    const known = [Unreachable, ProblemError, DeviceStopped];
    if (!known.some((each) => error instanceof each)) throw error;
  }
}

/** Of the answers that count, those of a section that another device gave. */
function givenElsewhere(answers: unknown, open: string, own: string): Given[] {
  return (Array.isArray(answers) ? answers : []).flatMap((one) => {
    const { section, item, response, device } = fieldsOf(one);
    if (section !== open || typeof item !== "string" || device === own) return [];
    return [{ section: open, item, response: response as Writable }];
  });
}
