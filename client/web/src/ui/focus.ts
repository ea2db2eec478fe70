import { useEffect, useRef } from "preact/hooks";

/** Brings the focus to a heading when what it heads changes, so that a screen reader says it. */
export function useFocusOn(what: string) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), [what]);
  return heading;
}
