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

/** A picture, and what is outlined in it. Another has a size of its own: nothing of this one stays. */
export function BoxedPicture(props: Props) {
  return <Picture key={props.url} {...props} />;
}

function Picture({ url, alt, boxes, broken }: Props) {
  const [loaded, setLoaded] = useState<{ url: string; viewBox: string } | null>(null);
  const [failed, setFailed] = useState(false);
  if (failed) return <span class="frame absent">{broken}</span>;
  return (
    <span class="frame">
      <img
        src={url}
        alt={alt}
        onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
          setLoaded({ url, viewBox: `0 0 ${naturalWidth} ${naturalHeight}` })
        }
        onError={() => setFailed(true)}
      />
      {/* Until a picture is there, the one before still stands: no box belongs on that. */}
      {loaded?.url === url && boxes.length > 0 && (
        <svg class="boxes" viewBox={loaded.viewBox} aria-hidden="true">
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
