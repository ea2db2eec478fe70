/** Who sits at a page of the staff's, what that page waits for, and what went wrong: all as signals. */

import { signal } from "@preact/signals";
import { type Login, type LoginApi, ProblemError, Unreachable } from "../api";
import { en } from "../text/en";
import { troubleWords } from "../text/problems";
import { wall } from "../text/wall";

/** Who is there: not asked yet, nobody (and what to tell them), or a login. */
export type Who = { is: "asking" } | { is: "nobody"; because: string | null } | { is: "in"; login: Login };

/** Those who read the numbers of an exam, agreement and tables; a proctor does not. */
const LEADS: readonly string[] = ["lead", "course-team"];

export type StaffPageName = "wall" | "reviews" | "identity" | "agreement";

/** The pages that a role may use, the one to begin with first; none for whoever sets up the server. */
export function pagesOf(role: string): readonly StaffPageName[] {
  const watches: readonly StaffPageName[] =
    role === "proctor" || role === "lead" ? ["wall", "reviews", "identity"] : [];
  return LEADS.includes(role) ? [...watches, "agreement"] : watches;
}

/** The pages to name to whoever is here: those that they may use; to who may use none, none. */
export function pagesFor(who: Who, here: StaffPageName): readonly StaffPageName[] {
  return who.is === "in" ? pagesOf(who.login.role) : [here];
}

/** What a page of the staff's is before it shows anything of its own: the reviews' and the ID checks'. */
export abstract class StaffPage {
  readonly who = signal<Who>({ is: "asking" });
  /** What is waited for, in words, and what went wrong, in words. */
  readonly waiting = signal<string | null>(null);
  readonly trouble = signal<string | null>(null);
  private drafter: string | null = null;

  constructor(protected readonly logins: LoginApi) {}

  /** Fetches what the page shows to whoever is signed in. */
  abstract load(): Promise<void>;
  /** Forgets what somebody has typed here. */
  protected abstract forgetDrafts(): void;
  /** Forgets all else that was shown to whoever was signed in. */
  protected abstract clear(): void;

  /** The name of whoever is signed in; "" for nobody. */
  me(): string {
    const who = this.who.value;
    return who.is === "in" ? who.login.name : "";
  }

  /** Whether what went wrong may go right another time: a login that does not allow it won't. */
  mayTryAgain(): boolean {
    const said = this.trouble.value;
    return said !== en.trouble.forbidden && said !== wall.trouble.forbidden;
  }

  /** Whether whoever is signed in may read agreement and tables. */
  leads(): boolean {
    const who = this.who.value;
    return who.is === "in" && LEADS.includes(who.login.role);
  }

  /** Asks who is signed in. */
  protected async recognise(): Promise<void> {
    await this.doing(en.wait.login, async () => {
      try {
        const login = await this.logins.whoAmI();
        this.drafter = login.name;
        this.who.value = { is: "in", login };
      } catch (error) {
        if (!(error instanceof ProblemError && error.status === 401)) throw error;
        this.who.value = { is: "nobody", because: null };
      }
    });
  }

  async signIn(name: string, password: string): Promise<void> {
    if (name.trim() === "" || password === "") {
      this.trouble.value = en.signIn.needBoth;
      return;
    }
    await this.doing(en.wait.login, async () => {
      try {
        const login = await this.logins.signIn(name.trim(), password);
        // Half-written reasons wait for whoever wrote them, and for nobody else.
        if (login.name !== this.drafter) this.forgetDrafts();
        this.drafter = login.name;
        this.who.value = { is: "in", login };
      } catch (error) {
        if (!(error instanceof ProblemError && error.status === 401)) throw error;
        this.trouble.value = en.signIn.refused;
      }
    });
    if (this.who.value.is === "in") await this.load();
  }

  async signOut(): Promise<void> {
    await this.doing(en.wait.login, async () => {
      await this.logins.signOut();
      // The next person at this computer reads nothing of the last one's.
      this.forgetDrafts();
      this.clear();
      this.who.value = { is: "nobody", because: en.signIn.out };
    });
  }

  /**
   * Runs one thing that waits for the server; an error becomes words, a lost login the form.
   * `unsure` is said where no answer came and nobody knows whether it was done.
   */
  protected async doing(
    what: string,
    work: () => Promise<void>,
    unsure: string | null = null,
  ): Promise<void> {
    this.waiting.value = what;
    this.trouble.value = null;
    try {
      await work();
    } catch (error) {
      if (!this.lostLogin(error)) {
        this.trouble.value =
          error instanceof Unreachable && unsure !== null ? unsure : troubleWords(error);
      }
    } finally {
      // What began meanwhile is waited for still.
      if (this.waiting.value === what) this.waiting.value = null;
    }
  }

  /** Whether an error says that nobody is signed in any more; then the page asks for it. */
  protected lostLogin(error: unknown): boolean {
    const lost = error instanceof ProblemError && error.status === 401;
    if (lost) this.who.value = { is: "nobody", because: en.signIn.over };
    return lost;
  }
}
