/** What a screen is called, for the title of the tab. */

import { rehearse } from "../text/rehearse";
import { room } from "../text/room";
import type { Screen } from "./state";

interface Exam {
  title: string;
  practice?: boolean;
  sections: readonly { id: string; title: string }[];
}

/** `blocked` is the heading of a page that stands where no session can be shown. */
export function titleOf(
  screen: Screen | null,
  exam: Exam | null,
  blocked: string | null = null,
): string {
  const name = blocked ?? (screen === null ? room.yourExam : nameOf(screen, exam));
  return room.title(name, exam?.title ?? null);
}

function nameOf(screen: Screen, exam: Exam | null): string {
  switch (screen.is) {
    case "rules":
    case "face":
    case "document":
    case "second-camera":
    case "ready":
      return room.steps[screen.is];
    case "asking":
      return room.asking.heading;
    case "waiting":
      return room.held.heading;
    case "id-refused":
      return room.refused.heading;
    case "sections":
      return room.sections.list;
    case "section":
    case "time-up":
      return exam?.sections.find(({ id }) => id === screen.section)?.title ?? "";
    case "paused":
      return room.paused.heading;
    case "handing-in":
      return room.handingIn.heading;
    case "done":
      return exam?.practice === true ? rehearse.title : room.done.heading;
    case "terminated":
    case "expired":
      return room[screen.is].heading;
    case "stopped":
      return room.stopped[screen.why].heading;
  }
}
