/** One picture, small enough and ready to be recorded; made in the worker or on the page alike. */

import type { Bytes } from "../evidence/bytes";
import { measure, type Measured } from "./advice";

/** The bounds of a still: pixels, and JPEG quality 1 to 100. */
export interface Size {
  readonly width: number;
  readonly height: number;
  readonly quality: number;
}

export interface Still {
  readonly bytes: Bytes;
  readonly type: "image/jpeg";
  readonly width: number;
  readonly height: number;
  readonly measured: Measured;
}

/** As large as a document is kept, by the other client too. */
export const DOCUMENT: Size = { width: 1920, height: 1440, quality: 85 };

const MAX_FILE_BYTES = 32 * 1024 * 1024;

/** There is no picture now. `why` is a state of the camera, or that it does not answer. */
export class CameraGone extends Error {
  override readonly name = "CameraGone";
  constructor(readonly why: string) {
    super(`no picture: the camera is ${why}`);
  }
}

/** A file that this browser can't show as a picture, or one over 32 MiB. */
export class NotAPicture extends Error {
  override readonly name = "NotAPicture";
}

/** The largest size inside the bounds, proportions kept, never enlarged. */
export function fitted(width: number, height: number, bounds: Size): { w: number; h: number } {
  const scale = Math.min(bounds.width / width, bounds.height / height, 1);
  return { w: Math.max(1, Math.round(width * scale)), h: Math.max(1, Math.round(height * scale)) };
}

/** Makes the still; the picture stays the caller's, who closes it. */
export async function stillOf(picture: ImageBitmap | VideoFrame, size: Size): Promise<Still> {
  const [width, height] =
    "displayWidth" in picture
      ? [picture.displayWidth, picture.displayHeight]
      : [picture.width, picture.height];
  const { w, h } = fitted(width, height, size);
  const { canvas } = drawn(picture, w, h);
  const [halfW, halfH] = [Math.ceil(w / 2), Math.ceil(h / 2)];
  const half = drawn(canvas, halfW, halfH).context.getImageData(0, 0, halfW, halfH);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: size.quality / 100 });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return { bytes, type: "image/jpeg", width: w, height: h, measured: measure(half, w, h) };
}

/**
 * A picture of a document from a file, encoded anew, so that nothing else in it travels along.
 *
 * Throws NotAPicture.
 */
export async function stillOfFile(file: Blob): Promise<Still> {
  if (file.size > MAX_FILE_BYTES) throw new NotAPicture(`${file.size} bytes`);
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(file);
  } catch {
    throw new NotAPicture(file.type);
  }
  try {
    return await stillOf(picture, DOCUMENT);
  } finally {
    picture.close();
  }
}

function drawn(picture: CanvasImageSource, width: number, height: number) {
  const canvas = new OffscreenCanvas(width, height);
  // It is read, never shown: in main memory that is far faster than on a graphics card.
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) throw new CameraGone("without a canvas");
  context.imageSmoothingQuality = "high";
  // JPEG knows no transparency, and would take it for black.
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
  return { canvas, context };
}
