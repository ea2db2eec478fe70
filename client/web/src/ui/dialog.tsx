import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface Props {
  open: boolean;
  heading: string;
  /** Called for Escape too. */
  onClose: () => void;
  /** For pictures: as wide as the window. */
  wide?: boolean;
  children: ComponentChildren;
}

/** The browser's own modal dialog: it keeps the focus, and gives it back. */
export function Dialog({ open, heading, onClose, wide = false, children }: Props) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    if (open && box.current?.open === false) box.current.showModal();
    if (!open && box.current?.open === true) box.current.close();
  }, [open]);
  return (
    <dialog ref={box} aria-labelledby={id} onClose={onClose}>
      {open && (
        <article class={wide ? "wide" : undefined}>
          <h2 id={id}>{heading}</h2>
          {children}
        </article>
      )}
    </dialog>
  );
}
