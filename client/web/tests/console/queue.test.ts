import { describe, expect, it } from "vitest";
import { fitting, grouped, minutesOf, names as proctors, nextAfter, shown, whyOther } from "../../src/console/queue";
import { row } from "../made";

const names = (rows: { session: string }[]) => rows.map(({ session }) => session);

describe("the queue", () => {
  it("keeps the server's order inside each group", () => {
    const groups = grouped([
      row("worst"),
      row("done", { state: "decided" }),
      row("dark", { conduct: 0, quality: 2 }),
      row("mild", { severity: 0.1 }),
      row("now", { session_state: "running" }),
    ]);
    expect(names(groups.look)).toEqual(["worst", "mild"]);
    expect(names(groups.quiet)).toEqual(["dark"]);
    expect(names(groups.running)).toEqual(["now"]);
    expect(names(groups.decided)).toEqual(["done"]);
  });

  it("asks a person to look at what the learner answered, even where no flag was conduct", () => {
    const groups = grouped([row("answered", { conduct: 0, state: "contested", contested: true })]);
    expect(names(groups.look)).toEqual(["answered"]);
  });

  it("keeps to the queue that the server names", () => {
    const groups = grouped([row("a", { queue: "other" }), row("b", { queue: "conduct", conduct: 0 })]);
    expect([names(groups.quiet), names(groups.look)]).toEqual([["a"], ["b"]]);
  });

  it("is done with what is settled for good", () => {
    expect(names(grouped([row("a", { state: "final" })]).decided)).toEqual(["a"]);
  });

  it("is done with what was released because nobody had to look", () => {
    const quiet = row("a", { conduct: 0, released_unjudged: true, may_decide: false });
    expect(names(grouped([quiet]).decided)).toEqual(["a"]);
  });

  it("does not ask me again for what I have judged", () => {
    const groups = grouped([row("mine", { state: "second-needed", may_decide: false })]);
    expect(names(groups.others)).toEqual(["mine"]);
    expect(groups.look).toEqual([]);
  });

  it("says the server's own reason why another person judges, and none where that is not so", () => {
    const alone = { may_decide: false, why_not: "You alone acted on this session." };
    expect(whyOther(row("a", alone))).toBe("You alone acted on this session.");
    expect(whyOther(row("b"))).toBeNull();
    expect(whyOther(row("c", { ...alone, session_state: "running" }))).toBeNull();
    expect(whyOther(row("d", { may_decide: false }))).toBeNull(); // of an older server
  });

  it("never lets a quality flag stand among what a person must look at", () => {
    const groups = grouped([row("dark", { conduct: 0, quality: 9, severity: 1 })]);
    expect(groups.look).toEqual([]);
  });

  it("puts a learner held in check-in into a group of their own, until a person has looked", () => {
    const held = { session_state: "check-in", id_check: "captured", conduct: 0 };
    const groups = grouped([
      row("held", held),
      row("asked again", { ...held, id_check: "retake" }),
      row("not held", { session_state: "running", id_check: "captured" }),
      row("ended", { id_check: "captured" }),
    ]);
    expect(names(groups.waiting)).toEqual(["held"]);
    expect(names(groups.running)).toEqual(["asked again", "not held"]);
    expect(names(groups.look)).toEqual(["ended"]);
  });

  it("loses no session", () => {
    const rows = ["awaiting", "second-needed", "third-needed", "decided"].flatMap((state) =>
      ["running", "submitted", "terminated", "expired", "paused"].flatMap((session_state) =>
        [0, 1].map((conduct) =>
          row(`${state} ${session_state} ${conduct}`, {
            state: state as "awaiting",
            session_state,
            conduct,
          }),
        ),
      ),
    );
    expect(names(Object.values(grouped(rows)).flat()).sort()).toEqual(names(rows).sort());
  });

  it.each([
    ["nobody waits", [], 0],
    ["a glance is still a minute", [0.2], 1],
    ["a server that guesses below nothing is not believed", [-5, 2], 2],
    ["the sum is rounded once", [1.4, 1.4, 1.4], 4],
  ])("counts minutes: %s", (_, minutes, sum) => {
    expect(minutesOf(minutes.map((each) => row("s", { minutes: each })))).toBe(sum);
  });

  it("offers the next that must be looked at, round the end, and never the same again", () => {
    const rows = [row("a"), row("b", { state: "decided" }), row("c"), row("d", { conduct: 0 })];
    expect(nextAfter(rows, "a")?.session).toBe("c");
    expect(nextAfter(rows, "c")?.session).toBe("a");
    expect(nextAfter(rows, "b")?.session).toBe("a");
    expect(nextAfter([row("a")], "a")).toBeNull();
  });

  it.each([
    ["nothing where the first takes longer", 2, []],
    ["the first", 3, ["a"]],
    ["no shorter one below a longer one", 5, ["a"]],
    ["all", 60, ["a", "c", "d"]],
  ])("marks what fits: %s", (_, minutes, fit) => {
    const rows = [
      row("a"),
      row("b", { may_decide: false }),
      row("c", { minutes: 10 }),
      row("d", { minutes: 1, conduct: 0 }),
    ];
    expect([...fitting(rows, minutes)]).toEqual(fit);
  });

  it("shows everybody's, one's own or nobody's", () => {
    const rows = [row("a", { assigned_to: "noor" }), row("b"), row("c", { assigned_to: "kim" })];
    expect(names(shown(rows, "all", "noor"))).toEqual(["a", "b", "c"]);
    expect(names(shown(rows, "mine", "noor"))).toEqual(["a"]);
    expect(names(shown(rows, "nobody", "noor"))).toEqual(["b"]);
    expect(proctors(rows, "noor")).toEqual(["kim", "noor"]);
    expect(proctors(rows, "noor", ["ann", "kim"])).toEqual(["ann", "kim", "noor"]);
  });
});
