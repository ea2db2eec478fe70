/** The phone beside the computer, as the session tells of it. */

import type { LearnerView } from "./learner-api";

/** Whether a policy asks for a phone. */
export function wantsPhone(policy: Readonly<Record<string, unknown>>): boolean {
  const capture = policy["capture"];
  return (
    typeof capture === "object" &&
    capture !== null &&
    (capture as Record<string, unknown>)["second_camera"] === "phone"
  );
}

/** Whether a phone shows the room now. */
export function showsRoom(view: Pick<LearnerView, "second_camera">): boolean {
  return view.second_camera?.state === "connected";
}

/** The dark squares of a QR code as one path: `dark[row][column]`, a unit each. */
export function pathOf(dark: readonly (readonly boolean[])[]): string {
  return dark
    .flatMap((row, y) => row.map((is, x) => (is ? `M${x} ${y}h1v1h-1z` : "")))
    .join("");
}
