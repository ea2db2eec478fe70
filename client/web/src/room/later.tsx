/** Pages that come with their code only when somebody opens them: an exam has need of none. */

import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { room } from "../text/room";
import { Trouble, Waiting } from "../ui/notices";

interface Props<Given> {
  fetch: () => Promise<FunctionComponent<Given>>;
  /** What is waited for, in words. */
  what: string;
  given: Given;
}

export function Later<Given extends object>({ fetch, what, given }: Props<Given>) {
  const [page, setPage] = useState<{ of: FunctionComponent<Given> } | null>(null);
  const [failed, setFailed] = useState(false);
  const again = () => {
    setFailed(false);
    fetch().then(
      (of) => setPage({ of }),
      () => setFailed(true),
    );
  };
  useEffect(again, []);
  if (page !== null) return <page.of {...given} />;
  if (failed) return <Trouble words={room.trouble.short["unreachable"] ?? ""} again={again} />;
  return <Waiting what={what} />;
}

/** Where the address says which page of an exam that is over is open: none is the receipt. */
export function useHash(): string {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const look = () => setHash(location.hash);
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, []);
  return hash;
}
