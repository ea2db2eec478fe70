import type { ComponentChildren } from "preact";
import { room } from "../text/room";
import { useFocusOn } from "../ui/focus";
import type { Running } from "./running";
import { STEPS, type Step, stepBefore, stepsOf } from "./state";

interface HeadingProps {
  of: string;
  children: ComponentChildren;
}

/** The same of a step in a dialog, which has a heading of its own. */
export function HeadingWithin({ of, children }: HeadingProps) {
  const heading = useFocusOn(of);
  return (
    <h3 ref={heading} tabIndex={-1}>
      {children}
    </h3>
  );
}

/** A screen's heading: it takes the focus when the screen comes up. */
export function Heading({ of, children }: HeadingProps) {
  const heading = useFocusOn(of);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  );
}

/** Where in the check-in one is; nothing on the other screens. */
export function Stepper({ running }: { running: Running }) {
  const { is } = running.screen.value;
  const shown = is === "asking" ? "rules" : is === "waiting" || is === "id-refused" ? "ready" : is;
  const now = STEPS.find((step) => step === shown);
  if (now === undefined) return null;
  const steps = stepsOf(running.checkIn.wanted);
  return (
    <ol class="stepper" aria-label={room.steps.label}>
      {steps.map((step) => {
        const done = steps.indexOf(step) < steps.indexOf(now);
        return (
          <li
            key={step}
            aria-current={step === now ? "step" : undefined}
            class={done ? "done" : undefined}
          >
            {room.steps[step]}
            {done && <span class="spoken"> ({room.steps.done})</span>}
          </li>
        );
      })}
    </ol>
  );
}

/** Said where no face was found in the picture of it; the learner may go on all the same. */
export function FaceAdvice({ running }: { running: Running }) {
  return (
    <div role="status">
      {running.checkIn.noFace.value && (
        <div class="notice needs">
          <p>{room.picture.noFace}</p>
          <button
            type="button"
            class="secondary"
            onClick={() => running.checkIn.again("face")}
          >
            {room.picture.faceAgain}
          </button>
        </div>
      )}
    </div>
  );
}

export function BackButton({ running, step }: { running: Running; step: Step }) {
  if (stepBefore(step, running.checkIn.wanted) === null) return null;
  return (
    <button type="button" class="secondary" onClick={() => running.checkIn.back(step)}>
      {room.goBack}
    </button>
  );
}
