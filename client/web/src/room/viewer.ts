/**
 * A browser that a learner let look at an exam that is over: it has no log and no key, and a token
 * that is kept with its tab, also where that is reopened, until its reader is done.
 */

import { ProblemError, problemOf, Unreachable } from "../api";
import type { Asked } from "./afterwards";
import { fieldsOf } from "./items";

/** As of any answer of the server. */
const ANSWER_MS = 15_000;
const NAME = "proctor.viewer";

export interface Viewer {
  exam: string;
  token: string;
  /** How long it may look, by the server's clock. */
  until_ms: number;
}

/** A link's token, where an address ends in one; null for a place on the page, as `#answer`. */
export function linkTokenIn(hash: string): string | null {
  return hash.includes("~") ? hash.slice(1) : null; // no other token and no place has a tilde
}

/** Why a link let nobody in: it is worth nothing, or it may be tried again. */
export type NotLetIn = "link" | "unreachable" | "refused";

export function notLetIn(error: unknown): NotLetIn {
  if (error instanceof Unreachable) return "unreachable";
  if (!(error instanceof ProblemError)) throw error; // a bug of ours: never worded away
  return error.code === "viewer-link-unknown" ? "link" : "refused";
}

/**
 * Comes with a link's token, which is used up by that, also where the answer is lost.
 *
 * Throws ProblemError, Unreachable.
 */
export async function letIn(linkToken: string, fetched: typeof fetch = fetch): Promise<Viewer> {
  const told = await answered(
    send(fetched, "POST", "/viewer", { token: linkToken }, "", ANSWER_MS),
    (answer) => answer.json(),
  );
  const viewer = viewerOf(told);
  if (viewer === null) throw new Unreachable(); // no answer of the exam server's
  return viewer;
}

/** Who was let in in this tab before; null where nobody was. */
export function kept(store: Storage = sessionStorage): Viewer | null {
  try {
    return viewerOf(JSON.parse(store.getItem(NAME) ?? "null"));
  } catch {
    return null; // a forbidden store, or not what was kept
  }
}

export function keep(viewer: Viewer, store: Storage = sessionStorage): void {
  try {
    store.setItem(NAME, JSON.stringify(viewer));
  } catch {
    // Then the page can't be loaded again, and another link is asked for.
  }
}

export function forget(store: Storage = sessionStorage): void {
  try {
    store.removeItem(NAME);
  } catch {
    // Then nothing was kept either.
  }
}

/** The exam server, as a browser that looks sees it. */
export class ViewerApi implements Asked {
  readonly #token: string;
  readonly #fetch: typeof fetch;

  constructor({ token }: Pick<Viewer, "token">, fetched: typeof fetch = (...asked) => fetch(...asked)) {
    this.#token = token;
    this.#fetch = fetched;
  }

  after(path: string, body?: unknown, patienceMs = ANSWER_MS): Promise<unknown> {
    return answered(this.#send(path, body, patienceMs), (answer) => answer.json());
  }

  afterFile(path: string, patienceMs = ANSWER_MS): Promise<Blob> {
    return answered(this.#send(path, undefined, patienceMs), (answer) => answer.blob());
  }

  #send(path: string, body: unknown, patienceMs: number): Promise<Response> {
    const method = body === undefined ? "GET" : "POST";
    return send(this.#fetch, method, `/session/${path}`, body, this.#token, patienceMs);
  }
}

function send(
  fetched: typeof fetch,
  method: string,
  path: string,
  body: unknown,
  token: string,
  patienceMs: number,
): Promise<Response> {
  const headers: Record<string, string> = {};
  if (token !== "") headers["Authorization"] = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetched(`/api/v1${path}`, {
    method,
    headers,
    credentials: "omit", // who is signed in as staff in this browser is none of our business
    cache: "no-store",
    redirect: "error", // the login page of a hotel's network is no exam server
    signal: AbortSignal.timeout(patienceMs),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function answered<Told>(
  sent: Promise<Response>,
  read: (answer: Response) => Promise<Told>,
): Promise<Told> {
  try {
    const answer = await sent;
    if (answer.ok) return await read(answer);
    throw problemOf(answer.status, await answer.json().catch(() => null));
  } catch (error) {
    throw error instanceof ProblemError ? error : new Unreachable();
  }
}

function viewerOf(told: unknown): Viewer | null {
  const { exam, token, until_ms } = fieldsOf(told);
  if (typeof token !== "string" || token === "" || typeof until_ms !== "number") return null;
  return { exam: String(exam ?? ""), token, until_ms };
}
