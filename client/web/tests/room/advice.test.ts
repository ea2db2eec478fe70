import { describe, expect, it } from "vitest";
import { adviceOn, measure, type Advice, type Measured, type Pixels } from "../../src/room/advice";

type Grey = (x: number, y: number) => number;

/** A picture of greys, as a canvas would give it. */
function picture(grey: Grey, width = 320, height = 240): Pixels {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      data.fill(grey(x, y), 4 * (y * width + x), 4 * (y * width + x) + 3);
      data[4 * (y * width + x) + 3] = 255;
    }
  }
  return { data, width, height };
}

/** A card on a table, with lines of print: letters are 2 pixels wide. */
const print: Grey = (x, y) => {
  if (x < 40 || x >= 280 || y < 40 || y >= 200) return 110;
  return y % 12 < 6 && (x >> 1) % 3 === 0 ? 40 : 200;
};

/** An even patch in the middle of a soft background, as a face out of focus is. */
const blob: Grey = (x, y) => 90 + 80 * Math.exp(-((x - 160) ** 2 + (y - 120) ** 2) / 3000);

/** The mean of the (2r + 1)^2 pixels around each. */
function blurred(grey: Grey, r: number): Grey {
  return (x, y) => {
    let sum = 0;
    for (let dy = -r; dy <= r; dy += 1) {
      for (let dx = -r; dx <= r; dx += 1) sum += grey(x + dx, y + dy);
    }
    return sum / (2 * r + 1) ** 2;
  };
}

/** Noise that is the same each time. */
const noise = (x: number, y: number) => (((x * 7919 + y * 104729) >>> 3) % 7) - 3;

function measured(grey: Grey): Measured {
  return measure(picture(grey), 640, 480);
}

describe("measure", () => {
  it("finds mean, percentile, deviation and glare of greys that are known", () => {
    // A tenth of it white, the rest 50.
    const m = measured((x) => (x < 32 ? 255 : 50));
    expect(m.mean).toBeCloseTo(70.5, 5);
    expect(m.p95).toBe(255);
    expect(m.contrast).toBeCloseTo(61.5, 5);
    expect(m.glare).toBeCloseTo(0.1, 5);
    expect([m.width, m.height]).toEqual([640, 480]);
  });

  it("finds nothing sharp in one grey, and the known variance in stripes", () => {
    expect(measured(() => 128).sharpness).toBe(0);
    // Stripes a pixel wide of 0 and 100: the Laplacian is +200 and -200 in turn.
    expect(measured((x) => (x % 2) * 100).sharpness).toBeCloseTo(40_000, -2);
  });

  it("weighs colours as OpenCV does", () => {
    const data = new Uint8ClampedArray(4 * 16).map((_, at) => [255, 0, 0, 255][at % 4] ?? 0);
    expect(measure({ data, width: 4, height: 4 }, 8, 8).mean).toBe(77);
  });

  it("calls a blurred picture less sharp than the same one in focus", () => {
    const [sharp, soft, softer] = [print, blurred(print, 1), blurred(print, 3)].map(
      (grey) => measured(grey).sharpness,
    );
    expect(sharp).toBeGreaterThan(soft!);
    expect(soft).toBeGreaterThan(softer!);
  });

  it("measures a picture of one pixel", () => {
    const m = measure({ data: [9, 9, 9, 255], width: 1, height: 1 }, 1, 1);
    expect([m.mean, m.contrast, m.sharpness]).toEqual([9, 0, 0]);
  });
});

describe("adviceOn", () => {
  const screenLit: Grey = (x, y) => (x > 250 ? 150 : 12 + noise(x, y));
  const dimmed = (by: number): Grey => (x, y) => print(x, y) * by;
  const spot = (share: number): Grey => (x, y) =>
    x < 320 * Math.sqrt(share) && y < 240 * Math.sqrt(share) ? 255 : print(x, y);

  it.each<[string, Grey, "face" | "document", Advice]>([
    ["print in good light is well", print, "document", null],
    ["print in a dark room is dark", dimmed(0.2), "document", "dark"],
    ["a face lit by its screen alone is not dark", screenLit, "face", null],
    ["a lid over the lens is covered, not dark", (x, y) => 4 + noise(x, y) / 3, "face", "covered"],
    ["a hand over the lens is covered", (x) => 110 + x / 50, "face", "covered"],
    ["print out of focus is blurred", blurred(print, 6), "document", "blurred"],
    ["a face far out of focus is blurred", blob, "face", "blurred"],
    ["a reflection on a card is glare", spot(0.08), "document", "glare"],
    ["a small highlight on a card is well", spot(0.01), "document", null],
    ["a window beside a face is well", spot(0.2), "face", null],
    ["a window behind a face is glare", spot(0.5), "face", "glare"],
  ])("%s", (_name, grey, purpose, advice) => {
    expect(adviceOn(measured(grey), purpose)).toBe(advice);
  });

  it("finds a document too small in a picture that does for a face", () => {
    const m = measure(picture(print, 160, 120), 320, 240);
    expect(adviceOn(m, "document")).toBe("small");
    expect(adviceOn(m, "face")).toBeNull();
    expect(adviceOn({ ...m, height: 239 }, "face")).toBe("small");
  });

  it("says nothing of glare on a file, which may be a white scan", () => {
    expect(adviceOn(measured(spot(0.5)), "document", "file")).not.toBe("glare");
    expect(adviceOn(measured(spot(0.08)), "document", "file")).toBeNull();
  });

  it("takes a document that was photographed upright", () => {
    expect(adviceOn(measure(picture(print, 240, 320), 480, 640), "document")).toBeNull();
  });
});
