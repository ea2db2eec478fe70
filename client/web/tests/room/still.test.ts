import { describe, expect, it } from "vitest";
import { fitted, NotAPicture, stillOfFile } from "../../src/room/still";
import { serve, type Ask, type Line, type Told } from "../../src/room/still-worker";

describe("fitted", () => {
  it.each([
    ["keeps what fits", 640, 480, { w: 640, h: 480 }],
    ["never enlarges", 320, 200, { w: 320, h: 200 }],
    ["keeps proportions", 1920, 1080, { w: 640, h: 360 }],
    ["fits an upright picture", 3000, 4000, { w: 360, h: 480 }],
    ["leaves a pixel of a line", 9000, 1, { w: 640, h: 1 }],
  ])("%s", (_name, width, height, size) => {
    expect(fitted(width, height, { width: 640, height: 480, quality: 80 })).toEqual(size);
  });
});

describe("a picture from a file", () => {
  it("is refused over 32 MiB before it is opened", async () => {
    const huge = { size: 33 * 1024 * 1024, type: "image/jpeg" } as Blob;
    await expect(stillOfFile(huge)).rejects.toBeInstanceOf(NotAPicture);
  });

  it("is refused if the browser can't show it", async () => {
    // Node has no createImageBitmap at all, which is the same to us as one that throws.
    await expect(stillOfFile(new Blob(["<html>"]))).rejects.toBeInstanceOf(NotAPicture);
  });
});

/** A page's end of the line, in one thread. */
class Wire implements Line {
  told: Told[] = [];
  #hear: ((event: MessageEvent<Ask>) => void) | null = null;
  postMessage(told: Told) {
    this.told.push(told);
  }
  addEventListener(_type: "message", hear: (event: MessageEvent<Ask>) => void) {
    this.#hear = hear;
  }
  ask(ask: Ask) {
    this.#hear?.({ data: ask } as MessageEvent<Ask>);
  }
}

interface Frame {
  readonly name: string;
  closed: boolean;
  close(): void;
}

function frame(name: string): Frame {
  return { name, closed: false, close() { this.closed = true; } };
}

const SIZE = { width: 640, height: 480, quality: 80 };
const settled = () => new Promise((done) => setTimeout(done, 0));

describe("the worker", () => {
  it("says that the camera is off before it has one", async () => {
    const wire = new Wire();
    serve(wire);
    wire.ask({ do: "still", id: 7, size: SIZE });
    await settled();
    expect(wire.told).toEqual([{ id: 7, gone: "off" }]);
  });

  it("says that the camera is lost when its frames end", async () => {
    const wire = new Wire();
    serve(wire);
    wire.ask({ do: "frames", frames: new ReadableStream({ start: (c) => c.close() }) });
    wire.ask({ do: "still", id: 1, size: SIZE });
    await settled();
    expect(wire.told).toEqual([{ id: 1, gone: "lost" }]);
  });

  it("closes every frame that it reads, and tries a frame that did not wait", async () => {
    const wire = new Wire();
    serve(wire);
    const frames = [frame("old"), frame("new"), frame("next")];
    const stream = new ReadableStream({ start: (c) => frames.forEach((each) => c.enqueue(each)) });
    wire.ask({ do: "frames", frames: stream as unknown as ReadableStream<VideoFrame> });
    wire.ask({ do: "still", id: 1, size: SIZE });
    await settled();
    // Node has no canvas: the still fails, and even then the camera gets its frames back.
    expect(wire.told).toEqual([{ id: 1, gone: expect.stringContaining("OffscreenCanvas") }]);
    expect(frames.map((each) => each.closed)).toEqual([true, true, false]);
  });

  it("lets go of one camera when it gets another, and of the last when told to", async () => {
    const wire = new Wire();
    serve(wire);
    const left: number[] = [];
    const camera = (number: number) =>
      new ReadableStream<VideoFrame>({ cancel: () => void left.push(number) });
    wire.ask({ do: "frames", frames: camera(1) });
    wire.ask({ do: "frames", frames: camera(2) });
    await settled();
    expect(left).toEqual([1]);
    wire.ask({ do: "leave" });
    await settled();
    expect(left).toEqual([1, 2]);
  });

  it("closes the frame that waits when it lets go of a camera", async () => {
    const wire = new Wire();
    serve(wire);
    const waits = frame("waits");
    const stream = new ReadableStream({ start: (c) => c.enqueue(waits) });
    wire.ask({ do: "frames", frames: stream as unknown as ReadableStream<VideoFrame> });
    wire.ask({ do: "leave" });
    await settled();
    expect(waits.closed).toBe(true);
  });
});
