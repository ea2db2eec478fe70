/**
 * The device's clocks, read here and nowhere else, and what they tell about the server's.
 *
 * The device's time is testimony: it goes into records as it is. Deadlines are the server's, and
 * are shown by the offset that round trips reveal, on a clock that is not moved by setting the
 * computer's time. That clock may stand still while the computer sleeps, which `slept` notices.
 */

/** Both clocks of a device, in milliseconds. */
export interface Clocks {
  /** Since 1970 UTC; a person can set it. */
  readonly wall: () => number;
  /** Never goes back; only differences mean something. */
  readonly steady: () => number;
}

export const DEVICE_CLOCKS: Clocks = {
  wall: () => Date.now(),
  steady: () => performance.now(),
};

/** A difference between the two clocks that is no mere adjustment. */
const JUMP_MS = 1500;

/** The server's time as round trips tell it. Before the first, the device's own. */
export class ServerClock {
  readonly #clocks: Clocks;
  /** Shortest round trip so far. */
  #best = Infinity;
  /** Server's time less the steady clock's. */
  #offset: number | null = null;
  /** Wall clock less the steady one, when they were last compared. */
  #apart: number;

  constructor(clocks: Clocks = DEVICE_CLOCKS) {
    this.#clocks = clocks;
    this.#apart = clocks.wall() - clocks.steady();
  }

  /** The device's own time, as records say it: whole ms since 1970 UTC. */
  deviceMs(): number {
    return Math.round(this.#clocks.wall());
  }

  /** For `learn`, and to measure with. */
  steadyMs(): number {
    return this.#clocks.steady();
  }

  /** The server's time, whole ms since 1970 UTC, as well as it is known. */
  nowMs(): number {
    if (this.#offset === null) return this.deviceMs();
    return Math.round(this.#clocks.steady() + this.#offset);
  }

  /** The server's time less the device's, ms; null before any round trip. */
  offsetMs(): number | null {
    return this.#offset === null ? null : this.nowMs() - this.deviceMs();
  }

  /** The shortest round trip since the start or the last sleep, ms; null before any. */
  tripMs(): number | null {
    return this.#best === Infinity ? null : this.#best;
  }

  /** Takes in one answer's `now_ms`; `sentMs` and `heardMs` are of the steady clock. */
  learn(serverMs: number, sentMs: number, heardMs: number): void {
    const trip = heardMs - sentMs;
    // The error is half a round trip at the most, so the shortest one knows best.
    if (trip > this.#best) return;
    this.#best = trip;
    this.#offset = serverMs - (sentMs + heardMs) / 2;
  }

  /** Takes in the `now_ms` of a push, of which nobody knows how long it travelled. */
  heard(serverMs: number): void {
    // It was that late when it left, at least.
    if (this.#offset === null || this.nowMs() < serverMs) {
      this.#offset = serverMs - this.#clocks.steady();
    }
  }

  /**
   * For how long the steady clock stood still, or how far the wall clock was set, since it was last
   * asked; 0 where that is nothing out of the ordinary. Whoever is told other than 0 should ask the
   * server for its time.
   */
  slept(): number {
    const apart = this.#clocks.wall() - this.#clocks.steady();
    const jump = apart - this.#apart;
    this.#apart = apart;
    if (Math.abs(jump) < JUMP_MS) return 0;
    this.#best = Infinity;
    // A lid that was closed and a clock that was set forward look alike, and the lid is far the
    // likelier: so a timer shows too little rather than too much until the server has said.
    if (jump > 0 && this.#offset !== null) this.#offset += jump;
    return jump;
  }
}
