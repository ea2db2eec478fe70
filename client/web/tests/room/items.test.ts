import { describe, expect, it } from "vitest";
import {
  chosenIn,
  cleaned,
  fileIn,
  fileProblem,
  fileType,
  isEmpty,
  type Item,
  itemsOf,
  sameResponse,
  ticked,
} from "../../src/room/items";

const UPLOAD = itemsOf([
  { id: "work", kind: "file-upload", points: 1, html: "", max_bytes: 100, suffixes: [".r", ".tar.gz"] },
])[0] as Item;

describe("two responses", () => {
  const file = { name: "a.r", sha256: "0f", size: 1 };
  it.each([
    ["nothing and blanks", null, " ", true],
    ["nothing and a text", null, "x", false],
    ["two texts", "x", "x", true],
    ["lists", ["a", "b"], ["a", "b"], true],
    ["one more choice", ["a"], ["a", "b"], false],
    ["files, their facts in another order", file, { size: 1, sha256: "0f", name: "a.r" }, true],
    ["other files", file, { ...file, sha256: "0e" }, false],
  ])("are the same or not: %s", (_, one, other, same) => {
    expect(sameResponse(one, other)).toBe(same);
  });
});

describe("items", () => {
  it("are read as the server sends them", () => {
    const [item] = itemsOf([
      {
        id: "dice",
        kind: "single-choice",
        points: 1.5,
        text: "?",
        html: "<p>?</p>",
        choices: [{ id: "a", text: "1", html: "<p>1</p>" }],
      },
    ]);
    expect(item).toMatchObject({ id: "dice", points: 1.5, html: "<p>?</p>" });
    expect(item?.choices).toEqual([{ id: "a", html: "<p>1</p>" }]);
  });

  it.each([
    ["nothing at all", null],
    ["no list", { id: "a" }],
    ["a kind of a later version", [{ id: "a", kind: "drawing" }]],
    ["an item without an id", [{ kind: "fill-in" }]],
  ])("that are none are left out: %s", (_, value) => {
    expect(itemsOf(value)).toEqual([]);
  });
});

describe("a response", () => {
  it.each([undefined, null, "", " \n", []])("is none: %j", (response) => {
    expect(isEmpty(response)).toBe(true);
  });

  it.each(["a", "0", ["a"], { name: "work.r", sha256: "0", size: 1 }])("is one: %j", (response) => {
    expect(isEmpty(response)).toBe(false);
  });

  it("of several choices is sorted, each once", () => {
    expect(ticked(["b"], "a", true)).toEqual(["a", "b"]);
    expect(ticked(["a", "b"], "a", true)).toEqual(["a", "b"]);
    expect(ticked(["a", "b"], "a", false)).toEqual(["b"]);
    expect(ticked(null, "a", false)).toEqual([]);
    expect(chosenIn(["a", 3])).toEqual(["a"]);
  });

  it("names a file, or nothing", () => {
    const file = { name: "work.r", sha256: "0f", size: 3 };
    expect(fileIn(file)).toEqual(file);
    expect(fileIn({ name: "work.r" })).toBeNull();
    expect(fileIn("work.r")).toBeNull();
  });
});

describe("text", () => {
  it.each([
    ["line breaks of other systems", "a\r\nb\rc", "a\nb\nc"],
    ["control characters", "a\u0000b\u001bc\td", "abc\td"],
    ["half a character", "a\ud83db", "ab"],
    ["HTML stays text", "<b>&amp;</b>", "<b>&amp;</b>"],
    ["letters of all the world", "平均值 é 😀", "平均值 é 😀"],
  ])("is cleaned of what no answer may hold: %s", (_, typed, kept) => {
    expect(cleaned(typed, 1000)).toBe(kept);
  });

  it("is never cut through a character", () => {
    expect(cleaned("ab😀", 3)).toBe("ab");
    expect(cleaned("ab😀", 4)).toBe("ab😀");
  });
});

describe("a file", () => {
  it.each([
    ["of the right kind", { name: "work.r", size: 100 }, null],
    ["with its ending in capitals", { name: "WORK.R", size: 1 }, null],
    ["with two endings", { name: "work.tar.gz", size: 1 }, null],
    ["of another kind", { name: "work.exe", size: 1 }, "suffix"],
    ["one byte too large", { name: "work.r", size: 101 }, "large"],
    ["that is empty", { name: "work.r", size: 0 }, "empty"],
    ["with a folder in its name", { name: "a/work.r", size: 1 }, "name"],
    ["with a line break in its name", { name: "a\nb.r", size: 1 }, "name"],
    ["with too long a name", { name: `${"a".repeat(254)}.r`, size: 1 }, "name"],
  ])("%s", (_, file, problem) => {
    expect(fileProblem(UPLOAD, file)).toBe(problem);
  });

  it("travels under the browser's type, where a record can carry it", () => {
    expect(fileType("text/plain;charset=utf-8")).toBe("text/plain");
    expect(fileType("")).toBe("application/octet-stream");
    expect(fileType("not a type")).toBe("application/octet-stream");
  });
});
