/** The page's side of the worker that takes stills, and what stands in where there is none. */

import { CameraGone, stillOf, type Size, type Still } from "./still";
import type { Ask, Told } from "./still-worker";

/** What a camera needs to make stills of its track. */
export interface Maker {
  /** From now on stills are of this track. */
  watch(track: MediaStreamTrack): void;
  /** Rejects with CameraGone; may also never answer, if the camera's driver hangs. */
  still(size: Size): Promise<Still>;
  /** Calls `tick` every `ms`, in the background too where a worker can be had. Returns its end. */
  every(ms: number, tick: () => void): () => void;
  /** Lets go of the camera; those who wait for ticks get them yet. */
  close(): void;
}

/** A worker, as far as one is needed. */
export type Hand = Pick<Worker, "postMessage" | "terminate" | "onmessage" | "onerror">;

type Route =
  | { readonly by: "worker"; readonly hand: Hand } // which holds the frames
  | { readonly by: "video"; readonly video: HTMLVideoElement }
  | { readonly by: "none" };

interface Waiting {
  readonly done: (still: Still) => void;
  readonly fail: (error: CameraGone) => void;
}

interface Timer {
  readonly ms: number;
  readonly tick: () => void;
  onPage: ReturnType<typeof setInterval> | null;
}

type Processor = new (init: { track: MediaStreamTrack; maxBufferSize?: number }) => {
  readonly readable: ReadableStream<VideoFrame>;
};

export class StillMaker implements Maker {
  readonly #start: () => Hand;
  readonly #waiting = new Map<number, Waiting>();
  readonly #timers = new Map<number, Timer>();
  /** Null before it is needed; "none" where this browser gives us no worker. */
  #hand: Hand | "none" | null = null;
  #route: Route = { by: "none" };
  #track: MediaStreamTrack | null = null;
  #last = 0;

  constructor(start: () => Hand = startWorker) {
    this.#start = start;
  }

  watch(track: MediaStreamTrack): void {
    this.#leave();
    this.#track = track;
    const hand = this.#worker();
    this.#route =
      hand !== null && this.#handOver(hand, track)
        ? { by: "worker", hand }
        : { by: "video", video: playing(track) };
  }

  async still(size: Size): Promise<Still> {
    const route = this.#route;
    if (route.by === "worker") return this.#asked({ size });
    if (route.by === "none") throw new CameraGone("off");
    let picture: ImageBitmap;
    try {
      if (route.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) await begun(route.video);
      picture = await createImageBitmap(route.video);
    } catch {
      throw new CameraGone("lost");
    }
    if (this.#worker() !== null) return this.#asked({ size, picture });
    try {
      return await stillOf(picture, size);
    } finally {
      picture.close();
    }
  }

  every(ms: number, tick: () => void): () => void {
    const id = (this.#last += 1);
    const timer: Timer = { ms, tick, onPage: null };
    this.#timers.set(id, timer);
    this.#wind(id, timer);
    return () => {
      this.#timers.delete(id);
      if (timer.onPage !== null) clearInterval(timer.onPage);
      if (this.#hand !== null && this.#hand !== "none") this.#tell(this.#hand, { do: "cease", id });
      this.#rest();
    };
  }

  close(): void {
    this.#leave();
    this.#track = null;
    this.#giveUp();
    this.#rest();
  }

  #wind(id: number, timer: Timer): void {
    const hand = this.#worker();
    if (hand !== null) this.#tell(hand, { do: "every", id, ms: timer.ms });
    else timer.onPage = setInterval(timer.tick, timer.ms);
  }

  /** Ends a worker that has nothing to look at and nobody to tick for. */
  #rest(): void {
    if (this.#track !== null || this.#timers.size > 0) return;
    if (this.#hand !== null && this.#hand !== "none") this.#hand.terminate();
    this.#hand = null;
  }

  #asked(what: { size: Size; picture?: ImageBitmap }): Promise<Still> {
    const hand = this.#worker();
    if (hand === null) return Promise.reject(new CameraGone("off"));
    const id = (this.#last += 1);
    return new Promise((done, fail) => {
      this.#waiting.set(id, { done, fail });
      this.#tell(hand, { do: "still", id, ...what }, what.picture ? [what.picture] : []);
    });
  }

  /** Gives the camera's frames to the worker; false where this browser can't. */
  #handOver(hand: Hand, track: MediaStreamTrack): boolean {
    const { MediaStreamTrackProcessor } = globalThis as unknown as {
      MediaStreamTrackProcessor?: Processor;
    };
    if (MediaStreamTrackProcessor !== undefined) {
      // Chromium has it on the page, and moves the stream.
      const frames = new MediaStreamTrackProcessor({ track, maxBufferSize: 1 }).readable;
      this.#tell(hand, { do: "frames", frames }, [frames]);
      return true;
    }
    // Safari has it in the worker, and moves the track: a copy, for the page shows its own.
    const copy = track.clone();
    try {
      this.#tell(hand, { do: "track", track: copy }, [copy as unknown as Transferable]);
      return true;
    } catch {
      copy.stop(); // Firefox does neither
      return false;
    }
  }

  #worker(): Hand | null {
    if (this.#hand === null) {
      try {
        this.#hand = this.#start();
        this.#hand.onmessage = ({ data }) => this.#hear(data);
        this.#hand.onerror = () => this.#goOnWithout();
      } catch {
        this.#hand = "none";
      }
    }
    return this.#hand === "none" ? null : this.#hand;
  }

  #hear(told: Told): void {
    if ("tick" in told) return this.#timers.get(told.tick)?.tick();
    const waiting = this.#waiting.get(told.id);
    this.#waiting.delete(told.id);
    if ("still" in told) waiting?.done(told.still);
    else waiting?.fail(new CameraGone(told.gone));
  }

  /** The worker could not be loaded, or broke: the page does its work, as well as it may. */
  #goOnWithout(): void {
    if (this.#hand !== null && this.#hand !== "none") this.#hand.terminate();
    this.#hand = "none";
    this.#route = { by: "none" };
    this.#giveUp();
    for (const [id, timer] of this.#timers) this.#wind(id, timer);
    if (this.#track !== null) this.watch(this.#track);
  }

  #giveUp(): void {
    for (const { fail } of this.#waiting.values()) fail(new CameraGone("off"));
    this.#waiting.clear();
  }

  /** A camera that anything still looks at keeps its light on. */
  #leave(): void {
    if (this.#route.by === "video") this.#route.video.srcObject = null;
    if (this.#route.by === "worker") this.#tell(this.#route.hand, { do: "leave" });
    this.#route = { by: "none" };
  }

  #tell(hand: Hand, ask: Ask, moved: Transferable[] = []): void {
    hand.postMessage(ask, moved);
  }
}

function startWorker(): Hand {
  return new Worker(new URL("./still-worker.ts", import.meta.url), { type: "module" });
}

function playing(track: MediaStreamTrack): HTMLVideoElement {
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  video.play().catch(() => undefined); // then no frame comes, and a still says so
  return video;
}

function begun(video: HTMLVideoElement): Promise<unknown> {
  return new Promise((done) => video.addEventListener("loadeddata", done, { once: true }));
}
