import { useEffect, useState } from "preact/hooks";
import { pathOf } from "./second-camera";

/** Light squares around a code; readers want four. Source: ISO/IEC 18004. */
const QUIET = 4;

/** An address as a QR code: black on white in every scheme, or a phone can't read it. */
export function QrCode({ of, label }: { of: string; label: string }) {
  const [dark, setDark] = useState<boolean[][] | null>(null);
  useEffect(() => {
    let gone = false;
    // Apart, because few rooms show one.
    void import("uqr").then(({ encode }) => {
      if (!gone) setDark(encode(of, { ecc: "M", border: QUIET }).data);
    });
    return () => {
      gone = true;
    };
  }, [of]);
  if (dark === null) return null;
  const size = dark.length;
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${size} ${size}`}
      width="260"
      height="260"
      shape-rendering="crispEdges"
    >
      <rect width={size} height={size} fill="white" />
      <path d={pathOf(dark)} fill="black" />
    </svg>
  );
}
