/** How well a picture shows what it should: light, contrast, sharpness, and the advice for it. */

/** Red, green, blue, alpha, row by row, as a canvas gives them. */
export interface Pixels {
  readonly data: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
}

/** Measured on a still in half its size; the light as `proctor/adapters/vision.py` does it. */
export interface Measured {
  /** Greys, 0 to 255: mean, 95th percentile, standard deviation. */
  readonly mean: number;
  readonly p95: number;
  readonly contrast: number;
  /** Variance of the Laplacian of the greys. Pictures of one thing in one size compare. */
  readonly sharpness: number;
  /** Share of the pixels that are nearly white, 0 to 1. */
  readonly glare: number;
  /** Pixels of the still itself. */
  readonly width: number;
  readonly height: number;
}

/** What would make a picture better; null where nothing would. */
export type Advice = "dark" | "covered" | "blurred" | "glare" | "small" | null;

// Design, section 9: both must hold for dark. A face lit by its screen alone can be seen well.
const DARK_MEAN = 40;
const DARK_P95 = 70;
// A hand, tape or a lid leaves noise and a slow gradient.
const COVERED_CONTRAST = 5;
const NEARLY_WHITE = 250;

interface Bounds {
  /** Longer and shorter side of the still, at least. */
  readonly sides: readonly [number, number];
  readonly sharpness: number;
  readonly glare: number;
}

// A hint to the learner, who may always go on: a person decides. So they speak of what is plainly
// bad only. Sharpness was measured on portraits, specimen documents and a webcam's clip, 640 x 480:
// in focus 245 to 7000; blurred by 2 pixels 25 to 340, when small print can just be read; by 3
// pixels 7 to 76; by 5 pixels, when a face can just be known, 2 to 11.
const AT_LEAST: { readonly [purpose in "face" | "document"]: Bounds } = {
  // A window behind a face may be white; one that fills a third leaves the face black.
  face: { sides: [320, 240], sharpness: 12, glare: 0.3 },
  // Print has far more edges than a face. A reflection that hides a line of it is 5 % of a picture;
  // so is the white of a scan.
  document: { sides: [600, 400], sharpness: 60, glare: 0.05 },
};

/**
 * The one thing to say first.
 *
 * Of a file nothing is said of glare: a scan is white, and a picture taken with care can be, too.
 */
export function adviceOn(
  m: Measured,
  purpose: "face" | "document",
  from: "camera" | "file" = "camera",
): Advice {
  const least = AT_LEAST[purpose];
  if (Math.max(m.width, m.height) < least.sides[0]) return "small";
  if (Math.min(m.width, m.height) < least.sides[1]) return "small";
  // A covered lens is dark as well: more light would not help.
  if (m.contrast < COVERED_CONTRAST) return "covered";
  if (m.mean < DARK_MEAN && m.p95 < DARK_P95) return "dark";
  // Before blur: a white patch has no edges, and hides those of the print.
  if (from === "camera" && m.glare > least.glare) return "glare";
  if (m.sharpness < least.sharpness) return "blurred";
  return null;
}

/**
 * Measures a picture.
 *
 * `half` is the still in half its size, `width` and `height` are the still's own.
 */
export function measure(half: Pixels, width: number, height: number): Measured {
  const greys = greysOf(half);
  const counts = new Uint32Array(256);
  for (const grey of greys) counts[grey] = (counts[grey] ?? 0) + 1;
  const all = greys.length;
  const mean = counts.reduce((sum, count, grey) => sum + count * grey, 0) / all;
  const square = counts.reduce((sum, count, grey) => sum + count * (grey - mean) ** 2, 0) / all;
  const white = counts.subarray(NEARLY_WHITE).reduce((sum, count) => sum + count, 0);
  return {
    mean,
    p95: percentile95(counts, all),
    contrast: Math.sqrt(square),
    sharpness: sharpnessOf(greys, half.width, half.height),
    glare: white / all,
    width,
    height,
  };
}

/** Luma of BT.601, which OpenCV's grey is. */
function greysOf({ data, width, height }: Pixels): Uint8Array {
  const greys = new Uint8Array(width * height);
  for (let at = 0, from = 0; at < greys.length; at += 1, from += 4) {
    const [red, green, blue] = [data[from] ?? 0, data[from + 1] ?? 0, data[from + 2] ?? 0];
    greys[at] = (77 * red + 150 * green + 29 * blue + 128) >> 8;
  }
  return greys;
}

/** The smallest grey that 95 % of the pixels do not exceed. */
function percentile95(counts: Uint32Array, all: number): number {
  let sum = 0;
  return counts.findIndex((count) => (sum += count) >= 0.95 * all);
}

/** Of all pixels but the outermost, which have not four neighbours. */
function sharpnessOf(greys: Uint8Array, width: number, height: number): number {
  let [count, sum, squares] = [0, 0, 0];
  for (let y = 1; y < height - 1; y += 1) {
    for (let at = y * width + 1, end = at + width - 2; at < end; at += 1) {
      const around =
        greys[at - 1]! + greys[at + 1]! + greys[at - width]! + greys[at + width]!;
      const edge = around - 4 * greys[at]!;
      count += 1;
      sum += edge;
      squares += edge * edge;
    }
  }
  return count === 0 ? 0 : squares / count - (sum / count) ** 2;
}
