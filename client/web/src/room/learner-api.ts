/**
 * The one module of the room that speaks to the exam server: over HTTP and the uplink's socket.
 *
 * Every command may be sent again, so a cut network only makes it wait.
 */

import { problemOf, ProblemError, Unreachable, type SessionView } from "../api";
import { base64, utf8, type Bytes } from "../evidence/bytes";
import type { SigningKey, VerifierKey } from "../evidence/key";
import type { ServerClock } from "./clock";
import { readJoined, viewOf } from "./wire";

export const CLIENT = "proctor-web/0.1.0";
export const DEVICE_KIND = "browser";
const ANSWER_MS = 15_000;
const [PAUSE_MS, LONGEST_PAUSE_MS, MOST_DOUBLINGS] = [500, 10_000, 10];
const [TOO_MANY, TROUBLE, UNAUTHORIZED] = [429, 500, 401];

/** When sections can be opened: `ends_at_ms` is exclusive. */
export interface Window {
  readonly starts_at_ms: number;
  readonly ends_at_ms: number;
}

/** A session as its learner is told of it. */
export interface LearnerView extends SessionView {
  readonly exam: string;
  /** Null for always. */
  readonly window?: Window | null;
  readonly verdict: { outcome: string; reasons: string } | null;
  /** The phone that shows the room; null before its link was asked for. */
  readonly second_camera?: { state: "asked" | "connected" | "lost"; since_ms: number } | null;
  /** Other computers that ask to go on with this session. */
  readonly asking?: readonly { device: string; device_kind: string; asked_at_ms: number }[];
}

export type ItemKind =
  | "single-choice"
  | "multiple-choice"
  | "fill-in"
  | "short-text"
  | "file-upload";

/** One question, as the server sends it: without its key. */
export interface Item {
  readonly id: string;
  readonly kind: ItemKind;
  readonly points: number;
  readonly text: string;
  readonly choices?: readonly { readonly id: string; readonly text: string }[];
  readonly suffixes?: readonly string[];
  readonly max_bytes?: number;
  readonly [more: string]: unknown;
}

export interface OpenSection {
  readonly section: string;
  readonly title: string;
  readonly items: readonly Item[];
  readonly session: LearnerView;
}

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly limit_s: number;
}

/** The answer of POST /api/v1/join: true for the whole session. */
export interface Joined {
  readonly session: string;
  readonly device: string;
  /** "phone" where the link was a second camera's. */
  readonly device_kind?: string;
  readonly origin: string;
  readonly server_keys: readonly VerifierKey[];
  readonly exam: {
    readonly id: string;
    readonly title: string;
    readonly sections: readonly Section[];
    readonly in_order: boolean;
    readonly practice?: boolean;
  };
  readonly policy_sha256: string;
  readonly policy: Readonly<Record<string, unknown>>;
  readonly notice: readonly { readonly heading: string; readonly lines: readonly string[] }[];
  readonly capture: {
    readonly snapshot_every_s: number;
    readonly width: number;
    readonly height: number;
    readonly jpeg_quality: number;
  };
}

/** Pauses between tries: they grow from 0.5 to 10 s, and no two devices keep step. */
export class Backoff {
  readonly #jitter: () => number;
  #tries = 0;

  /** `jitter` gives numbers in [0, 1). */
  constructor(jitter: () => number = Math.random) {
    this.#jitter = jitter;
  }

  reset(): void {
    this.#tries = 0;
  }

  /** How long to pause now, 500 to 10 000 ms. */
  nextMs(): number {
    const doubled = PAUSE_MS * 2 ** Math.min(this.#tries, MOST_DOUBLINGS);
    this.#tries += 1;
    return PAUSE_MS + (Math.min(LONGEST_PAUSE_MS, doubled) - PAUSE_MS) * this.#jitter();
  }
}

/** Whether trying again can help: the server is busy or in trouble. */
export function mayPass({ status }: ProblemError): boolean {
  return status === TOO_MANY || status >= TROUBLE;
}

/** How this room reaches the network. Tests bring their own. */
export interface Net {
  readonly fetch: typeof fetch;
  /** Opens a socket; `null` from `next` is its end. Rejects with Unreachable. */
  readonly connect: (path: string, protocols: readonly string[]) => Promise<Link>;
}

/** One connection of the uplink. */
export interface Link {
  send(message: Bytes): void;
  /** The next text message; null once the connection is over. One caller at a time. */
  next(): Promise<string | null>;
  /** Bytes that were sent and have not left this computer. */
  readonly unsentBytes: number;
  close(): void;
}

export const BROWSER_NET: Net = {
  fetch: (...asked) => fetch(...asked),
  connect: (path, protocols) => openSocket(path, protocols),
};

/** What joining takes: the proof is that the key signs. */
export async function joinBody(token: string, key: SigningKey): Promise<Record<string, string>> {
  const encoded = key.verifier.encode();
  const proof = await key.sign(utf8(`proctor-join/v1\n${token}\n${encoded}`));
  const [client, kind] = [CLIENT, DEVICE_KIND];
  return { token, key: encoded, proof: base64(proof), client, kind };
}

/** The exam server, as one device of one session sees it. */
export class LearnerApi {
  readonly #net: Net;
  readonly #clock: ServerClock;
  readonly #token: string;
  readonly #key: SigningKey;
  /** Keeps the answer to joining, and the token in it. */
  readonly #joined: (answer: string, deviceToken: string) => Promise<void>;
  #deviceToken: string;
  #joining: Promise<string> | null = null;

  constructor(parts: {
    net: Net;
    clock: ServerClock;
    token: string;
    key: SigningKey;
    deviceToken: string;
    joined: (answer: string, deviceToken: string) => Promise<void>;
  }) {
    this.#net = parts.net;
    this.#clock = parts.clock;
    this.#token = parts.token;
    this.#key = parts.key;
    this.#deviceToken = parts.deviceToken;
    this.#joined = parts.joined;
  }

  /** Joins, or joins again; the answer as text. Throws ProblemError, Unreachable, NotUnderstood. */
  join(): Promise<string> {
    // Each answer ends the token of the one before, so two at a time would end each other's.
    this.#joining ??= this.#join().finally(() => {
      this.#joining = null;
    });
    return this.#joining;
  }

  /** Asks to go on here with a session that another device has joined. */
  async askToJoin(): Promise<void> {
    await this.#once("POST", "/join/ask", await joinBody(this.#token, this.#key));
  }

  /** Asks once. Throws ProblemError, Unreachable. */
  async ask(
    method: string,
    path: string,
    body?: unknown,
    patienceMs = ANSWER_MS,
  ): Promise<unknown> {
    return JSON.parse(await this.#withLogin(() => this.#once(method, path, body, patienceMs)));
  }

  /** Gets once what is no JSON. Throws ProblemError, Unreachable. */
  file(path: string, patienceMs = ANSWER_MS): Promise<Blob> {
    return this.#withLogin(async () => {
      const answer = await this.#sent("GET", path, undefined, patienceMs);
      try {
        if (answer.ok) return await answer.blob();
        throw problemOf(answer.status, await answer.json().catch(() => null));
      } catch (error) {
        throw error instanceof ProblemError ? error : new Unreachable();
      }
    });
  }

  async view(): Promise<LearnerView> {
    return viewOf(await this.ask("GET", "/session"));
  }

  /**
   * Opens the uplink. Throws Unreachable; ProblemError where the server would not have this device
   * any more.
   */
  async connect(): Promise<Link> {
    try {
      return await this.#connect();
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
    }
    // A browser does not say why a socket did not open. Asking does, and joins again if the token
    // has ended.
    await this.ask("GET", "/session");
    return this.#connect();
  }

  #connect(): Promise<Link> {
    // Not in the address, where proxies would write it down: a browser sets no other header.
    const protocols = ["proctor-uplink", `proctor-token.${this.#deviceToken}`];
    return this.#net.connect("/api/v1/uplink", protocols);
  }

  async #join(): Promise<string> {
    const answer = await this.#once("POST", "/join", await joinBody(this.#token, this.#key));
    const { deviceToken } = readJoined(answer);
    this.#deviceToken = deviceToken;
    await this.#joined(answer, deviceToken);
    return answer;
  }

  async #withLogin<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ProblemError) || error.status !== UNAUTHORIZED) throw error;
    }
    await this.join();
    return ask();
  }

  async #sent(
    method: string,
    path: string,
    body: unknown,
    patienceMs: number,
  ): Promise<Response> {
    const headers: Record<string, string> = {};
    if (this.#deviceToken !== "") headers["Authorization"] = `Bearer ${this.#deviceToken}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const init: RequestInit = {
      method,
      headers,
      credentials: "omit", // who is signed in as staff in this browser is none of our business
      cache: "no-store",
      redirect: "error", // the login page of a hotel's network is no exam server
      signal: AbortSignal.timeout(patienceMs),
    };
    if (body !== undefined) init.body = JSON.stringify(body);
    try {
      return await this.#net.fetch(`/api/v1${path}`, init);
    } catch {
      throw new Unreachable();
    }
  }

  async #once(
    method: string,
    path: string,
    body?: unknown,
    patienceMs = ANSWER_MS,
  ): Promise<string> {
    const sentMs = this.#clock.steadyMs();
    const answer = await this.#sent(method, path, body, patienceMs);
    const text = await answer.text().catch(() => {
      throw new Unreachable();
    });
    const heardMs = this.#clock.steadyMs();
    let told: unknown;
    try {
      told = JSON.parse(text);
    } catch {
      // Whoever answered is not the exam server: a proxy, say, or the hotel.
      if (answer.ok) throw new Unreachable();
      throw problemOf(answer.status, null);
    }
    if (!answer.ok) throw problemOf(answer.status, told);
    const now = nowOf(told);
    if (now !== null) this.#clock.learn(now, sentMs, heardMs);
    return text;
  }
}

/** The server's time in an answer: its own, or that of the session in it. */
function nowOf(told: unknown): number | null {
  const { now_ms, session } = (told ?? {}) as { now_ms?: unknown; session?: unknown };
  if (typeof now_ms === "number") return now_ms;
  return typeof session === "object" && session !== null ? nowOf(session) : null;
}

function openSocket(path: string, protocols: readonly string[]): Promise<Link> {
  const address = new URL(path, location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address, [...protocols]);
  return new Promise((resolve, reject) => {
    const heard: (string | null)[] = [];
    let waiting: ((message: string | null) => void) | null = null;
    function tell(message: string | null): void {
      if (waiting === null) heard.push(message);
      else waiting(message);
      waiting = null;
    }
    const patience = setTimeout(() => socket.close(), ANSWER_MS);
    socket.addEventListener("message", ({ data }) => {
      // Binary messages are none of ours: the protocol has text alone in this direction.
      if (typeof data === "string") tell(data);
    });
    socket.addEventListener("close", () => {
      clearTimeout(patience);
      tell(null);
      reject(new Unreachable());
    });
    socket.addEventListener("open", () => {
      clearTimeout(patience);
      resolve({
        send: (message) => socket.send(message),
        next: () => {
          const first = heard.shift();
          if (first !== undefined) return Promise.resolve(first);
          return new Promise((take) => {
            waiting = take;
          });
        },
        get unsentBytes() {
          return socket.bufferedAmount;
        },
        close: () => {
          // A dead network may keep the closing handshake waiting for a minute.
          socket.close();
          tell(null);
        },
      });
    });
  });
}
