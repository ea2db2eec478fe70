import { describe, expect, it } from "vitest";
import {
  Camera,
  CameraGone,
  stateOf,
  type Media,
  type Size,
  type Still,
} from "../../src/room/camera";
import { StillMaker, type Hand, type Maker } from "../../src/room/still-maker";
import type { Ask, Told } from "../../src/room/still-worker";
import { settled } from "./tape";

const SIZE: Size = { width: 640, height: 480, quality: 80 };
const LARGE: Size = { width: 1280, height: 960, quality: 85 };

class Track extends EventTarget {
  readyState = "live";
  asked: MediaTrackConstraints[] = [];
  stop() {
    this.readyState = "ended";
  }
  async applyConstraints(wanted: MediaTrackConstraints) {
    this.asked.push(wanted);
  }
}

class Stream {
  readonly track = new Track();
  getTracks() {
    return [this.track];
  }
  getVideoTracks() {
    return [this.track];
  }
}

/** A browser with a camera that can be refused, unplugged and plugged in. */
class Browser extends EventTarget implements Media {
  streams: Stream[] = [];
  refuses: string | null = null;
  permission = "prompt";
  async getUserMedia(): Promise<MediaStream> {
    if (this.refuses !== null) throw new DOMException("no", this.refuses);
    this.permission = "granted";
    this.streams.push(new Stream());
    return this.streams.at(-1) as unknown as MediaStream;
  }
}

class FakeMaker implements Maker {
  watched: unknown[] = [];
  sizes: Size[] = [];
  closed = false;
  answer: () => Promise<Still> = async () => ({ width: 640 }) as Still;
  watch(track: MediaStreamTrack) {
    this.watched.push(track);
  }
  still(size: Size) {
    this.sizes.push(size);
    return this.answer();
  }
  every() {
    return () => undefined;
  }
  close() {
    this.closed = true;
  }
}

function made(patienceMs = 5) {
  const [media, maker] = [new Browser(), new FakeMaker()];
  const permission = async () => media.permission;
  return { media, maker, camera: new Camera({ media, maker, permission, patienceMs }) };
}

describe("stateOf", () => {
  it.each([
    ["NotAllowedError", "denied"],
    ["SecurityError", "denied"],
    ["NotFoundError", "none"],
    ["OverconstrainedError", "none"],
    ["NotReadableError", "busy"],
    ["AbortError", "busy"],
  ])("takes %s for %s", (name, state) => {
    expect(stateOf(new DOMException("", name))).toBe(state);
  });

  it("takes anything else for no camera", () => {
    expect(stateOf("?")).toBe("none");
  });
});

describe("a camera", () => {
  it("is asked for once, however often it is opened, and then is on", async () => {
    const { camera, media, maker } = made();
    expect(camera.state.value).toBe("off");
    const both = [camera.open(), camera.open()];
    expect(camera.state.value).toBe("asking");
    await Promise.all(both);
    await camera.open();
    expect(camera.state.value).toBe("on");
    expect(media.streams).toHaveLength(1);
    expect(maker.watched).toEqual([media.streams[0]?.track]);
  });

  it("takes one still after the other: a larger one must not end the one under way", async () => {
    const { camera, maker } = made(5000);
    await camera.open();
    let finish = () => {};
    maker.answer = () => new Promise((done) => (finish = () => done({ width: 640 } as Still)));
    const periodic = camera.still(SIZE);
    await settled();
    const document = camera.still(LARGE);
    await settled();
    expect([maker.sizes, maker.watched.length]).toEqual([[SIZE], 1]);

    finish();
    await periodic;
    await settled();
    expect([maker.sizes, maker.watched.length]).toEqual([[SIZE, LARGE], 2]);
    finish();
    await document;
    expect(camera.state.value).toBe("on");
  });

  it("is denied without throwing, and gives no still", async () => {
    const { camera, media } = made();
    media.refuses = "NotAllowedError";
    await camera.open();
    expect(camera.state.value).toBe("denied");
    await expect(camera.still(SIZE)).rejects.toMatchObject({ name: "CameraGone", why: "denied" });
  });

  it("is none on a page that is not secure", async () => {
    const camera = new Camera({ maker: new FakeMaker() });
    await camera.open();
    expect(camera.state.value).toBe("none");
  });

  it("is lost when it is unplugged, and comes back by itself where that asks nobody", async () => {
    const { camera, media } = made();
    await camera.open();
    media.streams[0]?.track.dispatchEvent(new Event("ended"));
    expect(camera.state.value).toBe("lost");
    media.dispatchEvent(new Event("devicechange"));
    await settled();
    expect(camera.state.value).toBe("on");
    expect(media.streams).toHaveLength(2);
    expect(media.streams[0]?.track.readyState).toBe("ended");
  });

  it("is opened again for a still", async () => {
    const { camera, media } = made();
    await camera.open();
    media.streams[0]?.track.dispatchEvent(new Event("ended"));
    await expect(camera.still(SIZE)).resolves.toMatchObject({ width: 640 });
    expect(camera.state.value).toBe("on");
  });

  it("is not opened again where that would ask the learner", async () => {
    const { camera, media } = made();
    await camera.open();
    media.permission = "prompt";
    media.streams[0]?.track.dispatchEvent(new Event("ended"));
    media.dispatchEvent(new Event("devicechange"));
    await expect(camera.still(SIZE)).rejects.toBeInstanceOf(CameraGone);
    expect(media.streams).toHaveLength(1);
    await camera.open();
    expect(camera.state.value).toBe("on");
  });

  it("is lost while the system has switched it off", async () => {
    const { camera, media } = made();
    await camera.open();
    media.streams[0]?.track.dispatchEvent(new Event("mute"));
    expect(camera.state.value).toBe("lost");
    media.streams[0]?.track.dispatchEvent(new Event("unmute"));
    expect(camera.state.value).toBe("on");
  });

  it("is busy after another program took it", async () => {
    const { camera, media } = made();
    await camera.open();
    media.refuses = "NotReadableError";
    media.streams[0]?.track.dispatchEvent(new Event("ended"));
    await expect(camera.still(SIZE)).rejects.toMatchObject({ why: "busy" });
    expect(camera.state.value).toBe("busy");
  });

  it("is lost when it is silent for too long, and opened anew for the next still", async () => {
    const { camera, media, maker } = made();
    await camera.open();
    maker.answer = () => new Promise(() => undefined);
    await expect(camera.still(SIZE)).rejects.toMatchObject({ why: "silent" });
    expect(camera.state.value).toBe("lost");
    expect(media.streams[0]?.track.readyState).toBe("ended");
    maker.answer = async () => ({ width: 640 }) as Still;
    await camera.still(SIZE);
    expect(media.streams).toHaveLength(2);
  });

  it("asks for more pixels for a document, and for less afterwards", async () => {
    const { camera, media, maker } = made();
    await camera.open();
    await camera.still(SIZE);
    expect(media.streams[0]?.track.asked).toEqual([]);
    await camera.still(LARGE);
    await camera.still(LARGE);
    await camera.still(SIZE);
    expect(media.streams[0]?.track.asked.map((wanted) => wanted.width)).toEqual([
      { ideal: 1280 },
      { ideal: 640 },
    ]);
    expect(maker.sizes).toEqual([SIZE, LARGE, LARGE, SIZE]);
  });

  it("shows its picture, and that of the next one, until told to stop", async () => {
    const { camera, media } = made();
    const video = { srcObject: null as unknown, play: async () => undefined };
    const stop = camera.show(video as unknown as HTMLVideoElement);
    await camera.open();
    expect(video.srcObject).toBe(media.streams[0]);
    camera.close();
    expect(video.srcObject).toBeNull();
    await camera.open();
    expect(video.srcObject).toBe(media.streams[1]);
    stop();
    expect(video.srcObject).toBeNull();
  });

  it("leaves no light on when it is closed, and does not come back by itself", async () => {
    const { camera, media, maker } = made();
    await camera.open();
    camera.close();
    expect(media.streams[0]?.track.readyState).toBe("ended");
    expect([camera.state.value, maker.closed]).toEqual(["off", true]);
    media.dispatchEvent(new Event("devicechange"));
    await settled();
    expect(media.streams).toHaveLength(1);
  });
});

/** A worker that answers when it is told to. */
class FakeHand implements Hand {
  asks: Ask[] = [];
  ended = false;
  onmessage: Hand["onmessage"] = null;
  onerror: Hand["onerror"] = null;
  postMessage(ask: Ask) {
    this.asks.push(ask);
  }
  terminate() {
    this.ended = true;
  }
  tell(told: Told) {
    this.onmessage?.call(this as unknown as Worker, { data: told } as MessageEvent);
  }
  breakDown() {
    this.onerror?.call(this as unknown as Worker, new Event("error") as ErrorEvent);
  }
}

/** As Safari's, which moves into a worker. */
const movable = { clone: () => ({}) } as unknown as MediaStreamTrack;

describe("a maker of stills", () => {
  it("gives each answer of the worker to whoever asked for it", async () => {
    const hand = new FakeHand();
    const maker = new StillMaker(() => hand);
    maker.watch(movable);
    const [one, two] = [maker.still(SIZE), maker.still(LARGE)];
    const ids = hand.asks.flatMap((ask) => (ask.do === "still" ? [ask.id] : []));
    hand.tell({ id: ids[1]!, still: { width: 2 } as Still });
    hand.tell({ id: ids[0]!, gone: "lost" });
    await expect(two).resolves.toEqual({ width: 2 });
    await expect(one).rejects.toMatchObject({ why: "lost" });
  });

  it("ticks by the worker's clock until it is ceased", () => {
    const hand = new FakeHand();
    const maker = new StillMaker(() => hand);
    let ticks = 0;
    const cease = maker.every(1000, () => (ticks += 1));
    expect(hand.asks).toEqual([{ do: "every", id: 1, ms: 1000 }]);
    hand.tell({ tick: 1 });
    cease();
    hand.tell({ tick: 1 });
    expect(ticks).toBe(1);
    expect(hand.asks.at(-1)).toEqual({ do: "cease", id: 1 });
  });

  it.each<[string, () => Hand, (hand: FakeHand) => void]>([
    ["there is no worker", () => { throw new Error("no"); }, () => undefined],
    ["the worker breaks", () => theHand, (hand) => hand.breakDown()],
  ])("ticks by the page's clock where %s", async (_what, start, happen) => {
    theHand = new FakeHand();
    const maker = new StillMaker(start);
    let cease = () => undefined as void;
    const ticked = new Promise<void>((done) => (cease = maker.every(1, done)));
    happen(theHand);
    await ticked;
    cease();
    maker.close();
  });

  it("fails what was asked of a worker that breaks, instead of waiting for ever", async () => {
    const hand = new FakeHand();
    const maker = new StillMaker(() => hand);
    maker.watch(movable);
    const still = maker.still(SIZE);
    expect(() => hand.breakDown()).toThrow(/document/); // then the page's own video, not in Node
    await expect(still).rejects.toBeInstanceOf(CameraGone);
    expect(hand.ended).toBe(true);
  });

  it("ticks on while the camera is off between sections, until nobody waits for that", () => {
    const hand = new FakeHand();
    const maker = new StillMaker(() => hand);
    maker.watch(movable);
    let ticks = 0;
    const cease = maker.every(1000, () => (ticks += 1));
    maker.close();
    hand.tell({ tick: 1 });
    expect([ticks, hand.ended]).toEqual([1, false]);
    cease();
    expect(hand.ended).toBe(true);
  });

  it("ends its worker when it is closed, and lets go of the camera first", () => {
    const hand = new FakeHand();
    const maker = new StillMaker(() => hand);
    maker.watch(movable);
    maker.close();
    expect(hand.asks.at(-1)).toEqual({ do: "leave" });
    expect(hand.ended).toBe(true);
  });
});

let theHand = new FakeHand();
