import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** Brings what a key has opened into view; `opened` is another value each time, null for nothing. */
export function useInView<E extends HTMLElement>(
  opened: unknown,
  of?: RefObject<E | null>,
): RefObject<E | null> {
  const own = useRef<E>(null);
  const element = of ?? own;
  useLayoutEffect(() => {
    if (opened !== null) element.current?.scrollIntoView({ block: "nearest" });
  }, [opened]);
  return element;
}

/**
 * A form that brings the reader to what it lacks: `lacked` is a new value each time it was handed
 * in with something missing, `fieldOf` the field that it is about.
 */
export function useLacked<Lack>(
  lacked: Lack | null,
  fieldOf: (form: HTMLFormElement, lacked: Lack) => HTMLElement | null,
): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null);
  // At once, before the next key: it must not reach the field that had the focus before.
  useLayoutEffect(() => {
    if (lacked !== null && form.current !== null) fieldOf(form.current, lacked)?.focus();
  }, [lacked]);
  return form;
}
