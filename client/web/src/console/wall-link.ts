/** Keeps the wall's line to the server up, and says when what is shown is old. */

import type { WallMessage, WallWord } from "./wall-api";

/** How the line is. `since_ms`: this computer's time at which the server was last heard. */
export type LinkState =
  | { is: "connecting" }
  | { is: "live" }
  | { is: "cut"; since_ms: number | null };

export interface Line {
  send(text: string): void;
  close(): void;
}

export interface LineEvents {
  heard(text: string): void;
  /** Called once, also where the line never came up. */
  closed(): void;
}

export interface LinkParts {
  open: (events: LineEvents) => Line;
  onMessage: (message: WallMessage) => void;
  onState: (state: LinkState) => void;
  /** Before each new try: false where nobody may come in any more. */
  mayTry: () => Promise<boolean>;
  later: (after_ms: number, what: () => void) => () => void;
  now: () => number;
  random: () => number;
}

const FIRST_MS = 500;
const MOST_MS = 15_000;
/** The server says something every ten seconds: after so long without, the line is dead. */
export const SILENT_MS = 25_000;

export class WallLink {
  state: LinkState = { is: "connecting" };
  #line: Line | null = null;
  #welcomed = false;
  #heard_ms: number | null = null;
  #wait_ms = FIRST_MS;
  #cancel: () => void = () => undefined;
  #stopped = true;

  constructor(private readonly parts: LinkParts) {}

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#wait_ms = FIRST_MS;
    this.#say({ is: "connecting" });
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
    const line = this.#line;
    this.#line = null;
    this.#heard_ms = null;
    line?.close();
  }

  /** Sends a word; false where there is no line: it is then said anew once there is. */
  send(word: WallWord): boolean {
    if (this.#line === null || !this.#welcomed) return false;
    this.#line.send(JSON.stringify(word));
    return true;
  }

  /** Tries at once: somebody asks for it, or the browser says that there is a network again. */
  hurry(): void {
    if (this.#stopped || this.#line !== null) return;
    this.#cancel();
    this.#connect();
  }

  /** Gives this line up: the browser says that there is no network. */
  cut(): void {
    this.#closed(this.#line);
  }

  /** To be called now and then: a line on which nothing is heard is no line. */
  tick(): void {
    if (this.#line === null || this.#heard_ms === null || !this.#welcomed) return;
    if (this.parts.now() - this.#heard_ms > SILENT_MS) this.cut();
  }

  #connect(): void {
    this.#welcomed = false;
    // Whatever an older line still says is not listened to.
    const line: { it: Line | null } = { it: null };
    let over = false;
    line.it = this.parts.open({
      heard: (text) => {
        if (!over && line.it === this.#line) this.#hear(text);
      },
      closed: () => {
        over = true;
        if (line.it !== null) this.#closed(line.it);
      },
    });
    this.#line = line.it;
    if (over) this.#closed(line.it);
  }

  #hear(text: string): void {
    const message = JSON.parse(text) as WallMessage;
    this.#heard_ms = this.parts.now();
    if (message.type === "wall") {
      this.#welcomed = true;
      this.#wait_ms = FIRST_MS;
    }
    this.parts.onMessage(message);
    if (message.type === "wall") this.#say({ is: "live" });
  }

  #closed(line: Line | null): void {
    if (line === null || line !== this.#line) return;
    this.#line = null;
    line.close();
    if (this.#stopped) return;
    this.#say({ is: "cut", since_ms: this.#heard_ms });
    // Not all at once: a server that comes back is asked by every proctor.
    const wait = this.#wait_ms * (0.75 + 0.5 * this.parts.random());
    this.#wait_ms = Math.min(MOST_MS, this.#wait_ms * 2);
    this.#cancel = this.parts.later(wait, () => void this.#again());
  }

  async #again(): Promise<void> {
    if (!(await this.parts.mayTry())) return this.stop();
    if (!this.#stopped && this.#line === null) this.#connect();
  }

  #say(state: LinkState): void {
    this.state = state;
    this.parts.onState(state);
  }
}

/** A line over the browser's WebSocket. */
export function webSocketLine(address: string, events: LineEvents): Line {
  const socket = new WebSocket(address);
  socket.onmessage = ({ data }) => events.heard(String(data));
  socket.onclose = () => events.closed();
  return { send: (text) => socket.send(text), close: () => socket.close() };
}
