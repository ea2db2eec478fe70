/**
 * The worker that takes stills and keeps time.
 *
 * A page in the background gets a timer a minute and no drawing; a worker is spared that. It holds
 * the camera's frames itself where the browser can hand them over.
 */

import { CameraGone, stillOf, type Size, type Still } from "./still";

/** What the page asks. */
export type Ask =
  | { readonly do: "frames"; readonly frames: ReadableStream<VideoFrame> }
  | { readonly do: "track"; readonly track: MediaStreamTrack }
  | { readonly do: "leave" }
  | {
      readonly do: "still";
      readonly id: number;
      readonly size: Size;
      readonly picture?: ImageBitmap;
    }
  | { readonly do: "every"; readonly id: number; readonly ms: number }
  | { readonly do: "cease"; readonly id: number };

/** What it is told. */
export type Told =
  | { readonly id: number; readonly still: Still }
  | { readonly id: number; readonly gone: string }
  | { readonly tick: number };

/** The worker's own end of the line to its page. */
export interface Line {
  postMessage(told: Told, moved?: Transferable[]): void;
  addEventListener(type: "message", hear: (event: MessageEvent<Ask>) => void): void;
}

// One frame may wait in the pipe from the camera, of when a still was last taken. The one behind it
// is of now: the camera's own end of the pipe keeps the newest alone.
const STALE_FRAMES = 1;

type Processor = new (init: { track: MediaStreamTrack; maxBufferSize?: number }) => {
  readonly readable: ReadableStream<VideoFrame>;
};

/** Answers the page until the worker is ended. */
export function serve(line: Line): void {
  const timers = new Map<number, ReturnType<typeof setInterval>>();
  let frames: ReadableStreamDefaultReader<VideoFrame> | null = null;
  let track: MediaStreamTrack | null = null;

  function leave(): void {
    if (frames !== null) end(frames);
    track?.stop();
    frames = track = null;
  }

  async function answer(id: number, size: Size, given?: ImageBitmap): Promise<void> {
    let picture: ImageBitmap | VideoFrame | undefined = given;
    try {
      picture ??= await fresh(frames);
      const still = await stillOf(picture, size);
      line.postMessage({ id, still }, [still.bytes.buffer]);
    } catch (error) {
      line.postMessage({ id, gone: error instanceof CameraGone ? error.why : String(error) });
    } finally {
      // A frame that is not closed is one that the camera can't use again.
      picture?.close();
    }
  }

  line.addEventListener("message", ({ data }) => {
    switch (data.do) {
      case "frames":
        leave();
        frames = data.frames.getReader();
        return;
      case "track":
        leave();
        track = data.track;
        frames = framesOf(track).getReader();
        return;
      case "leave":
        return leave();
      case "still":
        return void answer(data.id, data.size, data.picture);
      case "every":
        timers.set(data.id, setInterval(() => line.postMessage({ tick: data.id }), data.ms));
        return;
      case "cease":
        clearInterval(timers.get(data.id));
        timers.delete(data.id);
    }
  });
}

async function fresh(
  frames: ReadableStreamDefaultReader<VideoFrame> | null,
): Promise<VideoFrame> {
  if (frames === null) throw new CameraGone("off");
  for (let stale = 0; ; stale += 1) {
    const { value } = await frames.read();
    if (value === undefined) throw new CameraGone("lost");
    if (stale === STALE_FRAMES) return value;
    value.close();
  }
}

/** Asks for no more frames; the one that waits is closed, for the camera can use none that is not. */
function end(frames: ReadableStreamDefaultReader<VideoFrame>): void {
  const ended = () => undefined; // by itself, before
  frames.read().then(({ value }) => value?.close(), ended);
  frames.cancel().catch(ended);
}

function framesOf(track: MediaStreamTrack): ReadableStream<VideoFrame> {
  // Known to no TypeScript library yet.
  const { MediaStreamTrackProcessor } = globalThis as unknown as {
    MediaStreamTrackProcessor: Processor;
  };
  return new MediaStreamTrackProcessor({ track, maxBufferSize: 1 }).readable;
}

// Only in a worker: the page and the tests take no more than the types and `serve` from here.
if (typeof document === "undefined" && typeof self !== "undefined" && "postMessage" in self) {
  serve(self as unknown as Line);
}
