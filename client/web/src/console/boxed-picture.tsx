import { useState } from "preact/hooks";
import type { Box } from "../api";

interface Props {
  url: string;
  alt: string;
  /** Drawn into the picture, in its own pixels. */
  boxes: readonly Box[];
  /** Said instead of a picture that the browser can't show. */
  broken: string;
}

/** A picture, and what is outlined in it. */
export function BoxedPicture({ url, alt, boxes, broken }: Props) {
  const [size, setSize] = useState<readonly [number, number] | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  if (failed === url) return <span class="frame absent">{broken}</span>;
  return (
    <span class="frame">
      <img
        src={url}
        alt={alt}
        onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
          setSize([naturalWidth, naturalHeight])
        }
        onError={() => setFailed(url)}
      />
      {size !== null && boxes.length > 0 && (
        <svg class="boxes" viewBox={`0 0 ${size[0]} ${size[1]}`} aria-hidden="true">
          {boxes.map((box) => (
            <g key={`${box.x} ${box.y}`}>
              <rect class="under" {...box} vector-effect="non-scaling-stroke" />
              <rect {...box} vector-effect="non-scaling-stroke" />
            </g>
          ))}
        </svg>
      )}
    </span>
  );
}
