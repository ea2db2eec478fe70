/** Opens what a join link leads to: joined before or only now, with a network or without. */

import { ProblemError } from "../api";
import type { Bytes } from "../evidence/bytes";
import { SigningKey } from "../evidence/key";
import type { RecordLine } from "../evidence/record";
import { ServerClock } from "./clock";
import { linked, linkOf } from "./keys";
import { LearnerApi, type Joined, type LearnerView, type Net } from "./learner-api";
import { lock } from "./lock";
import { Memory } from "./memory";
import { openDatabase, Spool, type Database, type Linked } from "./spool";
import { NotUnderstood, openReceipt, ReceiptRefused, readJoined, viewOf } from "./wire";

/** The name under which the last view is kept, among notes of the pages. */
export const VIEW = "device view";

/** What a device is made of. */
export interface Parts {
  readonly database: Database;
  readonly api: LearnerApi;
  readonly clock: ServerClock;
  readonly key: SigningKey;
  readonly joined: Joined;
  readonly spool: Spool;
  readonly memory: Memory;
  /** As it was last told of; it may be old. */
  readonly view: LearnerView;
  /** Server's time in the receipt that is kept. */
  readonly receiptAtMs: number | null;
  /** Lets another tab have it. */
  readonly release: () => void;
}

/**
 * What stands under a link, once this tab alone has it. `robbed` is told when another tab takes it.
 *
 * Throws as `Device.open`.
 */
export async function opening(
  token: string,
  steal: boolean,
  net: Net,
  robbed: () => void,
): Promise<Parts> {
  const clock = new ServerClock();
  const { link, database, known, api, key } = await linkTo(token, clock, net);
  let release: (() => void) | null = null;
  try {
    const { joined } = readJoined(known.answer ?? (await api.join()));
    const { session, device } = joined;
    release = await lock(`proctor-${session}`, steal, robbed);
    // Else a browser that runs short of room may throw the log away. Some ask the learner.
    void navigator.storage?.persist?.().catch(() => {});
    const memory = new Memory();
    const place = { link, holder: crypto.randomUUID(), session, device };
    const spool = await Spool.open(database, place, (record, line) =>
      remember(memory, record, line),
    );
    const receiptAtMs = await receiptTime(spool, key, joined);
    const view = asView(await spool.kept(VIEW)) ?? (await api.view());
    return { database, api, clock, key, joined, spool, memory, view, receiptAtMs, release };
  } catch (error) {
    release?.();
    database.close();
    if (error instanceof NotUnderstood) throw notUnderstood(error);
    throw error;
  }
}

/** What a link leads to in this browser, and to whom it speaks. Throws NoCrypto, NoStorage. */
export async function linkTo(
  token: string,
  clock: ServerClock,
  net: Net,
): Promise<{ link: string; database: Database; known: Linked; key: SigningKey; api: LearnerApi }> {
  const name = await linkOf(token);
  const database = await openDatabase();
  const known = await linked(database, name);
  const key = await SigningKey.of(known.device, known.pair);
  const { deviceToken } = known;
  const joined = async (answer: string, newToken: string): Promise<void> => {
    // What was told first is true for the whole session, but for the token.
    const { device, pair } = known;
    await database.put("links", { device, pair, answer, deviceToken: newToken }, name);
  };
  const api = new LearnerApi({ net, clock, token, key, deviceToken, joined });
  return { link: name, database, known, key, api };
}

function remember(memory: Memory, { kind, seq, at_ms }: RecordLine, line: Bytes): void {
  memory.takeLine(kind, line, { seq, at_ms });
}

/** The server's time in the receipt that is kept. */
async function receiptTime(
  spool: Spool,
  key: SigningKey,
  { origin, server_keys: serverKeys }: Joined,
): Promise<number | null> {
  const { receipt, received: size } = spool;
  if (receipt === null) return null;
  const root = spool.frontierAt(size).root();
  try {
    return await openReceipt(receipt, { key: key.verifier, origin, serverKeys, size, root });
  } catch (error) {
    // It was verified before it was kept, so someone changed it; the next one will do.
    if (error instanceof ReceiptRefused) return null;
    throw error;
  }
}

function asView(kept: unknown): LearnerView | null {
  return kept === undefined ? null : viewOf(kept);
}

function notUnderstood(error: NotUnderstood): ProblemError {
  const detail = `its answer can't be read (${error.message})`;
  return new ProblemError("not-understood", 200, "Not understood", detail);
}
