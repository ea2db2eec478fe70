/** The camera: asked for, shown, and looked at once in a while. It never throws but for a still. */

import { effect, signal, type ReadonlySignal } from "@preact/signals";
import { CameraGone, type Size, type Still } from "./still";
import { StillMaker, type Maker } from "./still-maker";

export type { Measured } from "./advice";
export { CameraGone, DOCUMENT, NotAPicture, stillOfFile, type Size, type Still } from "./still";

/**
 * denied: the learner, the browser or the system said no. none: there is no camera. busy: another
 * program has it. lost: it was there, and gives no picture any more.
 */
export type CameraState = "off" | "asking" | "on" | "denied" | "none" | "busy" | "lost";

/** What a camera needs of a browser. */
export interface Media {
  getUserMedia(wanted: MediaStreamConstraints): Promise<MediaStream>;
  addEventListener(type: "devicechange", heard: () => void): void;
  removeEventListener(type: "devicechange", heard: () => void): void;
}

export interface CameraParts {
  /** Undefined on a page that is not secure. */
  readonly media: Media | undefined;
  /** "granted" if opening asks nobody. */
  readonly permission: () => Promise<string>;
  readonly maker: Maker;
  readonly patienceMs: number;
  /** Which camera of a phone: that of its screen's side, or the other. */
  readonly facing: "user" | "environment";
}

// Enough for a face; and for a document a still asks for more.
const [WIDTH, HEIGHT] = [640, 480];
// A webcam that starts takes 1 to 3 s for its first picture.
const PATIENCE_MS = 5000;

export class Camera {
  readonly state: ReadonlySignal<CameraState>;
  readonly #state = signal<CameraState>("off");
  readonly #stream = signal<MediaStream | null>(null);
  readonly #parts: CameraParts;
  #opening: Promise<void> | null = null;
  /** The still that is being taken. */
  #under: Promise<Still> | null = null;
  /** What the track was last asked for. */
  #width = WIDTH;

  constructor(parts: Partial<CameraParts> = {}) {
    this.#parts = {
      media: parts.media ?? browsersMedia(),
      permission: parts.permission ?? browsersPermission,
      maker: parts.maker ?? new StillMaker(),
      patienceMs: parts.patienceMs ?? PATIENCE_MS,
      facing: parts.facing ?? "user",
    };
    this.state = this.#state;
  }

  /** Asks for the camera, the learner too if need be. Never throws: `state` says. */
  open(): Promise<void> {
    if (this.#state.peek() === "on") return Promise.resolve();
    if (this.#opening === null) this.#state.value = "asking";
    return this.#open();
  }

  /** Shows the live picture, also that of a camera that comes back. Returns its end. */
  show(video: HTMLVideoElement): () => void {
    video.muted = true;
    video.playsInline = true;
    const end = effect(() => {
      video.srcObject = this.#stream.value;
      if (video.srcObject !== null) video.play().catch(() => undefined); // cut short by the next
    });
    return () => {
      end();
      video.srcObject = null;
    };
  }

  /**
   * The picture of now, within a few seconds.
   *
   * A camera that is gone is opened again first, if that asks nobody. Rejects with CameraGone.
   */
  async still(size: Size): Promise<Still> {
    // One after the other: one of another size begins by letting go of the frames, and would end
    // one that is under way as if the camera were lost.
    while (this.#under !== null) await this.#under.catch(() => undefined);
    this.#under = this.#still(size);
    try {
      return await this.#under;
    } finally {
      this.#under = null;
    }
  }

  async #still(size: Size): Promise<Still> {
    if (this.#state.peek() !== "on") await this.#again();
    const track = this.#stream.peek()?.getVideoTracks()[0];
    if (this.#state.peek() !== "on" || track === undefined) {
      throw new CameraGone(this.#state.peek());
    }
    try {
      return await within(this.#parts.patienceMs, this.#take(track, size));
    } catch (error) {
      // A camera that gives nothing is worth no more waiting: it is opened anew for the next still.
      if (this.#stream.peek()?.getVideoTracks()[0] === track) this.#lose("lost");
      throw error instanceof CameraGone ? error : new CameraGone(String(error));
    }
  }

  /** Calls `tick` every `ms`, in the background too. Returns its end. */
  every(ms: number, tick: () => void): () => void {
    return this.#parts.maker.every(ms, tick);
  }

  close(): void {
    this.#parts.media?.removeEventListener("devicechange", this.#plugged);
    this.#lose("off");
    this.#parts.maker.close();
  }

  async #take(track: MediaStreamTrack, size: Size): Promise<Still> {
    if (size.width !== this.#width) {
      this.#width = size.width;
      const ideal = { width: { ideal: size.width }, height: { ideal: size.height } };
      // One that can't stays as it is: a smaller picture is better than none.
      await track.applyConstraints(ideal).catch(() => undefined);
      this.#parts.maker.watch(track);
    }
    return this.#parts.maker.still(size);
  }

  readonly #plugged = (): void => {
    if (this.#state.peek() !== "off") void this.#again();
  };

  /** Opens a camera that is gone, if that asks nobody: a question must not pop up by itself. */
  async #again(): Promise<void> {
    const state = this.#state.peek();
    if (state === "on" || state === "asking") return;
    if ((await this.#parts.permission()) === "granted") await this.#open();
  }

  #open(): Promise<void> {
    this.#opening ??= this.#ask().finally(() => (this.#opening = null));
    return this.#opening;
  }

  async #ask(): Promise<void> {
    const { media, facing } = this.#parts;
    if (media === undefined) return this.#lose("none");
    media.addEventListener("devicechange", this.#plugged);
    this.#drop();
    let stream: MediaStream;
    try {
      const size = { width: { ideal: WIDTH }, height: { ideal: HEIGHT } };
      stream = await media.getUserMedia({ audio: false, video: { ...size, facingMode: facing } });
    } catch (error) {
      return this.#lose(stateOf(error));
    }
    const track = stream.getVideoTracks()[0];
    if (track === undefined) return this.#lose("none");
    track.addEventListener("ended", () => this.#lost(track));
    // The system's own switch, or another program: frames stop, or are black.
    track.addEventListener("mute", () => this.#lost(track));
    track.addEventListener("unmute", () => this.#found(track));
    this.#width = WIDTH;
    this.#stream.value = stream;
    this.#parts.maker.watch(track);
    this.#state.value = "on";
  }

  #lost(track: MediaStreamTrack): void {
    if (this.#holds(track)) this.#state.value = "lost";
  }

  #found(track: MediaStreamTrack): void {
    if (this.#holds(track) && track.readyState === "live") this.#state.value = "on";
  }

  #holds(track: MediaStreamTrack): boolean {
    return this.#stream.peek()?.getVideoTracks()[0] === track;
  }

  #lose(state: CameraState): void {
    this.#drop();
    this.#state.value = state;
  }

  #drop(): void {
    for (const track of this.#stream.peek()?.getTracks() ?? []) track.stop();
    this.#stream.value = null;
  }
}

/** What a refusal of `getUserMedia` means. */
export function stateOf(error: unknown): CameraState {
  switch (error instanceof Error || error instanceof DOMException ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return "denied";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    default:
      return "none";
  }
}

async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new CameraGone("silent")), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

function browsersMedia(): Media | undefined {
  return typeof navigator === "undefined" ? undefined : navigator.mediaDevices;
}

async function browsersPermission(): Promise<string> {
  try {
    return (await navigator.permissions.query({ name: "camera" })).state;
  } catch {
    return "unknown"; // a browser that tells nobody
  }
}
