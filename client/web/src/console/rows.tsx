/** Lists of sessions to open, in groups by what is to be done with them: reviews, ID checks. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface HeadProps {
  heading: string;
  /** Beside an open session: short rows, and gone where the screen is narrow. */
  aside: boolean;
  children: ComponentChildren;
}

export function RowsHead({ heading, aside, children }: HeadProps) {
  const Heading = aside ? "h2" : "h1";
  return (
    <div class="queue-head">
      <Heading>{heading}</Heading>
      {!aside && <div class="queue-tools">{children}</div>}
    </div>
  );
}

interface GroupProps<Row> {
  heading: string;
  hint?: string;
  aside: boolean;
  rows: readonly Row[];
  draw: (row: Row) => ComponentChildren;
}

export function RowGroup<Row extends { session: string }>(props: GroupProps<Row>) {
  const { heading, hint, aside, rows, draw } = props;
  if (rows.length === 0) return null;
  const Heading = aside ? "h3" : "h2";
  return (
    <section>
      <Heading>
        {heading} <span class="count">{rows.length}</span>
      </Heading>
      {hint !== undefined && !aside && <p class="hint">{hint}</p>}
      <ul class="rows">
        {rows.map((row) => (
          <li key={row.session}>{draw(row)}</li>
        ))}
      </ul>
    </section>
  );
}

interface RowProps {
  session: string;
  href: string;
  /** It is the one that is open. */
  here: boolean;
  kind?: string;
  open: () => void;
  children: ComponentChildren;
}

/** A row, all of which opens its session. */
export function SessionRow({ session, href, here, kind = "row", open, children }: RowProps) {
  const row = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    if (here) row.current?.scrollIntoView({ block: "nearest" });
  }, [here]);
  return (
    <a
      ref={row}
      class={kind}
      href={href}
      data-session={session}
      aria-current={here ? "page" : undefined}
      onClick={(event) => {
        if (opensElsewhere(event)) return;
        event.preventDefault();
        open();
      }}
    >
      {children}
    </a>
  );
}

/** A click that asks for a tab or a window of its own: the browser's matter. */
export function opensElsewhere({ ctrlKey, metaKey, shiftKey }: MouseEvent): boolean {
  return ctrlKey || metaKey || shiftKey;
}
