import { describe, expect, it } from "vitest";
import type { SectionView } from "../../src/api";
import { found, leave, sorted } from "../../src/room/last-words";

class Store implements Storage {
  readonly kept = new Map<string, string>();
  full = false;
  get length() {
    return this.kept.size;
  }
  clear = () => this.kept.clear();
  key = () => null;
  getItem = (name: string) => this.kept.get(name) ?? null;
  removeItem = (name: string) => void this.kept.delete(name);
  setItem = (name: string, value: string) => {
    if (this.full) throw new DOMException("full", "QuotaExceededError");
    this.kept.set(name, value);
  };
}

const WORDS = [{ section: "a", item: "one", response: "half a sen" }];

describe("what was typed in the last moment", () => {
  it("is there when the page is back, for its session alone", () => {
    const store = new Store();
    leave("s_1", WORDS, store);
    expect(found("s_1", store)).toEqual(WORDS);
    expect(found("s_2", store)).toEqual([]);
  });

  it("is gone once it is written", () => {
    const store = new Store();
    leave("s_1", WORDS, store);
    leave("s_1", [], store);
    expect(found("s_1", store)).toEqual([]);
    expect(store.length).toBe(0);
  });

  it("breaks nothing where a store is full or holds something else", () => {
    const store = new Store();
    store.full = true;
    leave("s_1", WORDS, store);
    store.kept.set("proctor.unwritten.s_1", "{ no JSON");
    expect(found("s_1", store)).toEqual([]);
    store.kept.set("proctor.unwritten.s_1", '[{"item": 3}, null]');
    expect(found("s_1", store)).toEqual([]);
  });
});

describe("words that were left", () => {
  const states = (state: SectionView["state"]): Pick<SectionView, "id" | "state">[] => [
    { id: "a", state },
    { id: "b", state: "planned" },
  ];

  it.each([true, false])("are taken while their section is open; fresh: %s", (fresh) => {
    expect(sorted(WORDS, states("open"), fresh)).toEqual({ take: WORDS, keep: [] });
  });

  it("are kept while only an old view says that their section is not open", () => {
    expect(sorted(WORDS, states("planned"), false)).toEqual({ take: [], keep: WORDS });
    expect(sorted(WORDS, states("closed"), false)).toEqual({ take: [], keep: WORDS });
  });

  it("are let go once the server says that their section is closed, and not before", () => {
    expect(sorted(WORDS, states("closed"), true)).toEqual({ take: [], keep: [] });
    expect(sorted(WORDS, states("planned"), true)).toEqual({ take: [], keep: WORDS });
  });
});
