import { describe, expect, it } from "vitest";
import type { CheckResult, IdCheckMade } from "../../src/api";
import * as rules from "../../src/console/id-check";
import { identity } from "../../src/text/identity";
import { idDesk, idRow, MINUTE, START } from "../made";

const check = (name: string, result: CheckResult): IdCheckMade => ({
  check: name,
  by: "machine",
  result,
  words: "",
  value: null,
  threshold: null,
  models: [],
});

describe("what an act needs", () => {
  const draft = (changed: Partial<rules.Draft>) => ({ ...rules.EMPTY, ...changed });

  it.each<[string, rules.Draft, rules.Missing[]]>([
    ["no act is chosen", rules.EMPTY, ["event"]],
    ["to accept takes nothing", draft({ event: "accepted" }), []],
    ["a new picture takes a code", draft({ event: "asked-again" }), ["code"]],
    ["a code is enough", draft({ event: "asked-again", code: "blurred" }), []],
    ["any other cause takes words", draft({ event: "asked-again", code: "other" }), ["note"]],
    ["a refusal takes a reason", draft({ event: "refused" }), ["note"]],
    ["spaces are no reason", draft({ event: "refused", notes: { refused: "  " } }), ["note"]],
    ["vouching takes a reason", draft({ event: "vouched" }), ["note"]],
    ["taking back takes a reason", draft({ event: "taken-back" }), ["note"]],
    [
      "another act's reason is none",
      draft({ event: "vouched", notes: { refused: "x" } }),
      ["note"],
    ],
    [
      "too long",
      draft({ event: "refused", notes: { refused: "x".repeat(rules.NOTE_MOST + 1) } }),
      ["shorter"],
    ],
  ])("%s", (_, form, lacks) => {
    expect(rules.missing(form, "captured")).toEqual(lacks);
    expect(rules.decided(form, "captured") === null).toBe(lacks.length > 0);
  });

  it("takes a reason to accept what two people refused", () => {
    expect(rules.missing(draft({ event: "accepted" }), "refused")).toEqual(["note"]);
    expect(rules.missing(draft({ event: "accepted", notes: { accepted: "A twin." } }), "refused")).toEqual([]);
  });

  it("takes a reason to accept the pictures in whose place others were asked for", () => {
    expect(rules.missing(draft({ event: "accepted" }), "retake")).toEqual(["note"]);
  });

  it("sends a code with a new picture alone", () => {
    const notes = { accepted: " seen " };
    expect(rules.decided({ event: "accepted", code: "blurred", notes }, "captured")).toEqual({
      event: "accepted",
      code: null,
      reason: "seen",
    });
  });

  it("shows the learner's words before they are sent", () => {
    const { reasons } = idDesk("s_1");
    const notes = { "asked-again": "Use more light." };
    const reads = (code: string) =>
      rules.learnerReads({ event: "asked-again", code, notes }, reasons);
    expect(reads("blurred")).toBe("The document can't be read: hold it still. Use more light.");
    expect(reads("other")).toBe("Something else. Use more light.");
    expect(rules.learnerReads({ event: "vouched", code: null, notes }, reasons)).toBe("");
  });
});

describe("which acts are open", () => {
  const proposed = { by: "ben", reason: "another person", at_ms: START };

  const waits = { state: "refusal-proposed", proposed };
  const of = { session: "s_9", exam: "short", learner: "B", yours: true };
  const raised = [{ why: "same-document", ...of, value: null }];

  it.each([
    ["before anything is said: all", idDesk("s"), ["accepted", "asked-again", "refused", "vouched"]],
    [
      "to who proposed to refuse: to take it back",
      idDesk("s", waits),
      ["accepted", "asked-again", "vouched"],
    ],
    [
      "to a second person: to confirm too",
      idDesk("s", { ...waits, may_confirm: true }),
      ["accepted", "asked-again", "refused", "vouched"],
    ],
    ["before anything is shown: to vouch", idDesk("s", { state: "awaited" }), ["vouched"]],
    [
      "while a new picture is awaited: to decide by those before",
      idDesk("s", { state: "retake", may_ask_again: false }),
      ["accepted", "refused", "vouched"],
    ],
    [
      "while one is awaited and none was ever shown: to vouch",
      idDesk("s", { state: "retake", may_ask_again: false, face: null, document: null }),
      ["vouched"],
    ],
    [
      "while one is awaited of who was vouched for: to take that back, too",
      idDesk("s", { state: "retake", may_ask_again: false, may_take_back: true }),
      ["taken-back", "vouched"],
    ],
    [
      "after the end: all but to ask for a new picture",
      idDesk("s", { may_ask_again: false }),
      ["accepted", "refused", "vouched"],
    ],
    [
      "after a refusal: to mend it",
      idDesk("s", { state: "refused", proposed }),
      ["accepted", "asked-again", "vouched"],
    ],
    ["after accepting: to mend it", idDesk("s", { state: "accepted" }), ["asked-again", "refused"]],
    [
      "after a doubt was raised: to say that it is none",
      idDesk("s", { state: "accepted", raised }),
      ["accepted", "asked-again", "refused"],
    ],
  ])("%s", (_, desk, acts) => {
    expect(rules.open(desk)).toEqual(acts);
  });
});

describe("the order", () => {
  it("has disagreements first", () => {
    const checks = [
      check("digits", "agrees"),
      check("expiry", "unavailable"),
      check("kind", "unsure"),
      check("name", "differs"),
      check("face", "agrees"),
    ];
    const order = rules.disagreementsFirst(checks).map((one) => one.check);
    expect(order).toEqual(["name", "kind", "expiry", "digits", "face"]);
  });

  it("says of a count or a date what was found, not that it differs", () => {
    const { name, result } = identity.checks;
    const words = (kind: string, of: CheckResult) =>
      `${name(kind)}: ${result({ check: kind, result: of })}`;
    expect(words("expiry", "differs")).toBe("Expiry: not valid on the day of the exam");
    expect(words("expiry", "agrees")).toBe("Expiry: valid on the day of the exam");
    expect(words("expiry", "unavailable")).toBe("Expiry: not checked");
    expect(words("faces", "differs")).toBe("Faces in the check-in picture: more than one");
    expect(words("name", "differs")).toBe("Name: differs");
  });

  it("gives both days of a birth whose century is open, and nothing where there are not two", () => {
    const { either } = identity.reading;
    expect(either(["1911-01-01", "2011-01-01"])).toMatch(/^1911-01-01 or 2011-01-01 \(/);
    expect(either(["2011-01-01"])).toBe("");
    expect(either([])).toBe("");
  });

  it("has those first whom the wait keeps from their exam, else the server's order", () => {
    const rows = [
      idRow("begun", { hold: false, raised: 1 }),
      idRow("mine", { proposed_by: "me" }),
      idRow("second", { since_ms: START + MINUTE }),
      idRow("third"),
    ];
    const { held, later, mine } = rules.grouped(rows, "me");
    expect([...held, ...later, ...mine].map(({ session }) => session)).toEqual([
      "second",
      "third",
      "begun",
      "mine",
    ]);
  });

  it("moves no row from under a pointer, and lets new ones come at the end", () => {
    const before = [idRow("a"), idRow("b"), idRow("c")];
    const now = [idRow("new"), idRow("c", { raised: 1 }), idRow("a")];
    const rows = rules.inPlace(before, now);
    expect(rows.map(({ session }) => session)).toEqual(["a", "c", "new"]);
    expect(rows[1]?.raised).toBe(1);
  });

  it("offers the next one, around the end, and none that waits for another person", () => {
    const rows = [idRow("a"), idRow("mine", { proposed_by: "me" }), idRow("b"), idRow("here")];
    const next = (session: string) =>
      rules.nextAfter(rules.grouped(rows, "me"), session)?.session ?? null;
    expect([next("here"), next("a"), next("mine"), next("decided and gone")]).toEqual([
      "a",
      "b",
      "a",
      "a",
    ]);
    expect(rules.nextAfter(rules.grouped([idRow("here")], "me"), "here")).toBeNull();
  });

  it("is gone through with keys, to its ends", () => {
    const groups = rules.grouped([idRow("a"), idRow("b")], "me");
    const beside = (session: string | null, by: 1 | -1) =>
      rules.beside(groups, session, by)?.session ?? null;
    expect([beside(null, 1), beside("a", 1), beside("b", 1), beside("a", -1)]).toEqual([
      "a",
      "b",
      null,
      null,
    ]);
  });
});

describe("a check that changed", () => {
  it.each([
    ["somebody decided", { state: "accepted", by: "ben" }],
    ["somebody proposes", { proposed: { by: "ben", reason: "x", at_ms: START } }],
    ["there is a new face", { face: { device: "d", seq: 9, sha256: "cc", at_ms: START } }],
    ["the document is erased", { document: null }],
  ])("is told: %s", (_, changed) => {
    expect(rules.isStale(idDesk("s"), idDesk("s", changed))).toBe(true);
  });

  it("is not told of where the machine has just read more", () => {
    const more = { checks: [check("name", "agrees")], portrait: null };
    expect(rules.isStale(idDesk("s"), idDesk("s", more))).toBe(false);
  });
});

describe("the exams to choose from", () => {
  const rows = [idRow("s_1"), idRow("s_2", { exam: "alg", exam_title: "Algebra" }), idRow("s_3")];

  it("are those of who waits, and the chosen one where nobody of it does", () => {
    const known = new Map([["geo", "Geometry"]]);
    const titles = (chosen: string | null) => rules.exams(rows, chosen, known).map((e) => e.title);
    expect(titles(null)).toEqual(["Algebra", "Statistics"]);
    expect(titles("alg")).toEqual(["Algebra", "Statistics"]);
    expect(titles("geo")).toEqual(["Algebra", "Geometry", "Statistics"]);
    expect(titles("old")).toEqual(["Algebra", "old", "Statistics"]);
  });

  it("list their own learners alone", () => {
    expect(rules.ofExam(rows, "alg").map((row) => row.session)).toEqual(["s_2"]);
    expect(rules.ofExam(rows, null)).toHaveLength(3);
  });

  it("stand in the address", () => {
    expect(rules.search(null, null)).toBe("");
    expect(rules.search("s_1", null)).toBe("?session=s_1");
    expect(rules.search("s_1", "a&b")).toBe("?exam=a%26b&session=s_1");
  });
});

describe("other accounts", () => {
  it("are named once, with all that they have in common", () => {
    const raised = ["same-document", "same-face"].map((why) => ({
      why,
      session: "s_9",
      exam: "short",
      learner: "B",
      yours: true,
      value: null,
    }));
    const found = rules.bySession(raised);
    const whys = ["same-document", "same-face"];
    expect(found).toEqual([{ session: "s_9", exam: "short", learner: "B", yours: true, whys }]);
    expect(identity.raised.words(found[0]?.whys ?? [], "B")).toBe(
      "The same document and a face that looks the same were shown on this account and on another of this programme: B.",
    );
    expect(identity.raised.words(whys.slice(0, 1), identity.raised.elsewhere("short"))).toBe(
      "The same document was shown on this account and on another of this programme: somebody in the exam short, which is not one of yours. A lead or an administrator can say who.",
    );
  });
});
