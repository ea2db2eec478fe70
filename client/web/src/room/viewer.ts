/**
 * A browser that a learner let look at an exam that is over: it has no log and no key, and a token
 * that is kept for this tab alone.
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
}

/** Comes with a link's token, which is used up by that. Throws ProblemError, Unreachable. */
export async function letIn(linkToken: string, fetched: typeof fetch = fetch): Promise<Viewer> {
  const told = await answered(
    send(fetched, "POST", "/viewer", { token: linkToken }, "", ANSWER_MS),
    (answer) => answer.json(),
  );
  return viewerOf(told) ?? { exam: "", token: "" };
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

/** The exam server, as a browser that looks sees it. */
export class ViewerApi implements Asked {
  readonly #token: string;
  readonly #fetch: typeof fetch;

  constructor({ token }: Viewer, fetched: typeof fetch = (...asked) => fetch(...asked)) {
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
  const { exam, token } = fieldsOf(told);
  return typeof token === "string" && token !== "" ? { exam: String(exam ?? ""), token } : null;
}
