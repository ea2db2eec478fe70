import { describe, expect, it } from "vitest";
import { resourcesFor, stillOpen } from "../../src/room/resources";
import { offlineWords } from "../../src/room/status-words";

const SITES = [
  { name: "Google Translate", url: "https://translate.google.com" },
  { name: "Youdao", url: "http://fanyi.youdao.com" },
];
const WEBSITE = { kind: "website", choose: 1, of: SITES, sections: [] };

const words = (thing: Record<string, unknown>) => resourcesFor({ allow: [thing] }, "a")[0]?.words;

describe("resources", () => {
  it.each([
    [{ kind: "paper", sheets: 1, sides: 2, must_be: "blank" }, "1 blank sheet of paper, used on both sides"],
    [{ kind: "paper", sheets: 4, sides: 1, must_be: "anything" }, "4 sheets of paper, used on one side"],
    [{ kind: "writing", pen: true, pencil: true }, "Pen or pencil"],
    [{ kind: "writing", pen: true, pencil: false }, "Pen"],
    [{ kind: "software", name: "R", programs: ["R"] }, "The software R"],
    [{ kind: "calculator", model: "any" }, "A calculator of any kind"],
    [{ kind: "calculator", model: "scientific" }, "A scientific calculator"],
    [{ kind: "book", title: "" }, "Printed books"],
    [{ kind: "notes", sheets: 0, must_be: "handwritten" }, "Your own handwritten notes on paper, any number of sheets"],
    [WEBSITE, "One of these websites, the same throughout"],
    [{ ...WEBSITE, choose: 2 }, "These websites"],
    [{ kind: "abacus", name: "An abacus" }, "An abacus"],
  ])("are said as the rules say them: %j", (thing, said) => {
    expect(words(thing)).toBe(said);
  });

  it("are those of the section", () => {
    const policy = {
      allow: [
        { kind: "software", name: "R", sections: ["b"] },
        { kind: "software", name: "Python", sections: [] },
      ],
    };
    expect(resourcesFor(policy, "a").map((thing) => thing.words)).toEqual(["The software Python"]);
    expect(resourcesFor(policy, "b")).toHaveLength(2);
    expect(resourcesFor({}, "a")).toEqual([]);
  });

  it("link to web addresses alone, and to the host where a site has many", () => {
    const of = [
      { name: "bad", url: "javascript:alert(1)" },
      { name: "many", url: "https://*.example.org/x" },
    ];
    const [thing] = resourcesFor({ allow: [{ kind: "website", choose: 2, of }] }, "a");
    expect(thing?.sites).toEqual([{ name: "many", url: "https://example.org/x" }]);
    expect(thing?.choose).toBe(1);
  });

  it("stay open until as many are chosen as one may use", () => {
    const [thing] = resourcesFor({ allow: [WEBSITE] }, "a");
    if (thing === undefined) throw new Error("no resource");
    expect(stillOpen(thing, [])).toEqual(SITES);
    expect(stillOpen(thing, ["https://elsewhere.example"])).toEqual(SITES);
    expect(stillOpen(thing, ["http://fanyi.youdao.com"])).toEqual([SITES[1]]);
  });
});

describe("an outage", () => {
  it.each([
    ["gives back", { give_back: "all", after_s: 10, most_s: 1800 }, "you will get this time back, if it is 10 seconds or more, up to 30 minutes in each section"],
    ["gives back from the first second", { give_back: "all", after_s: 0, most_s: 60 }, "you will get this time back, up to 1 minute in each section"],
    ["gives nothing", { give_back: "none", after_s: 10, most_s: 1800 }, "time lost to an outage is not given back"],
  ])("says what the clock does: %s", (_, time, said) => {
    const words = offlineWords({ time }, "section");
    expect(words).toContain("Your answers are saved on this computer");
    expect(words).toContain(said);
  });
});
