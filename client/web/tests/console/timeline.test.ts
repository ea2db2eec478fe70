import { describe, expect, it } from "vitest";
import * as line from "../../src/console/timeline";
import { flag, MINUTE, SECOND, snapshot, START, timeline } from "../made";

const HOUR = 60 * MINUTE;

describe("the scale", () => {
  const days = line.layOut(
    [
      [START, START + HOUR],
      [START + 48 * HOUR, START + 49 * HOUR],
    ],
    828,
  );

  it("gives two days between sections no more room than a notch", () => {
    expect(days.map(({ x, width }) => [x, width])).toEqual([
      [0, 400],
      [428, 400],
    ]);
  });

  it("goes from time to place and back", () => {
    for (const at of [START, START + 20 * MINUTE, START + HOUR, START + 48.5 * HOUR])
      expect(line.timeAt(days, line.xOf(days, at))).toBeCloseTo(at, -1);
  });

  it("never runs backwards, breaks included", () => {
    let before = -1;
    for (let at = START - HOUR; at < START + 50 * HOUR; at += 7 * MINUTE) {
      const x = line.xOf(days, at);
      expect(x).toBeGreaterThanOrEqual(before);
      before = x;
    }
  });

  it("takes a click inside the break as its nearer edge", () => {
    expect(line.timeAt(days, 402)).toBe(START + HOUR);
    expect(line.timeAt(days, 426)).toBe(START + 48 * HOUR);
  });

  it("has room for a single instant", () => {
    const [only] = line.layOut([[START, START]], 100);
    expect(only).toMatchObject({ x: 0, width: 100, to_ms: START + MINUTE });
  });

  it("is empty for nothing", () => {
    expect(line.layOut([], 100)).toEqual([]);
    expect(line.timeAt([], 5)).toBeNull();
    expect(line.xOf([], START)).toBe(0);
  });

  it("joins what overlaps, whatever the order", () => {
    const spans: line.Span[] = [
      [50, 60],
      [0, 30],
      [10, 20],
      [31, 40],
    ];
    expect(line.joined(spans, 1)).toEqual([
      [0, 40],
      [50, 60],
    ]);
  });
});

describe("the axis", () => {
  it("has round times of the reader's zone, far enough apart", () => {
    const half = 30 * MINUTE; // India is five and a half hours from UTC
    const stretches = line.layOut([[START, START + 2 * HOUR]], 300);
    const times = line.axisTimes(stretches, 60, half);
    expect(times.length).toBeGreaterThan(1);
    for (const at of times) expect((at + half) % (30 * MINUTE)).toBe(0);
    const places = times.map((at) => line.xOf(stretches, at));
    places.slice(1).forEach((x, index) => expect(x - (places[index] ?? 0)).toBeGreaterThanOrEqual(60));
  });

  it("says at least where a narrow stretch begins", () => {
    const stretches = line.layOut([[START + MINUTE, START + 29 * MINUTE]], 70);
    expect(line.axisTimes(stretches, 64, 0)).toEqual([START + MINUTE]);
  });
});

describe("words beside the marks", () => {
  it("stand only where they end before the next mark and the edge", () => {
    expect(line.fitting([0, 50, 90], [40, 60, 10], 100)).toEqual([true, false, true]);
    expect(line.fitting([0, 0], [10, 10], 5)).toEqual([false, false]);
  });
});

describe("flags and snapshots", () => {
  it("puts conduct before quality, then goes by time", () => {
    const flags = [
      flag("dark.d.1", { flag_class: "quality", started_at_ms: START - 1 }),
      flag("program.d.9", { started_at_ms: START + 5 }),
      flag("person-count.d.2"),
    ];
    expect(line.inOrder(flags).map((each) => each.flag)).toEqual([
      "person-count.d.2",
      "program.d.9",
      "dark.d.1",
    ]);
    expect(flags[0]?.flag).toBe("dark.d.1"); // the given order is left alone
  });

  it.each([
    ["person-count.d_web1.41", "person-count"],
    ["person-count-2.d_web1.41", "person-count"],
    ["dark.d_2.7", "dark"],
  ])("knows the kind of %s", (name, kind) => {
    expect(line.kindOf(flag(name))).toBe(kind);
  });

  it("shows a flag's first snapshot, or the nearest where it names none that is here", () => {
    const shots = [1, 2, 3, 4].map((seq) => snapshot(seq));
    const refs = [snapshot(3), snapshot(4)];
    expect(line.snapshotOf(shots, flag("f", { snapshots: refs }))).toBe(2);
    expect(line.snapshotOf(shots, flag("f", { started_at_ms: START + 19 * SECOND }))).toBe(1);
    expect(line.snapshotOf([], flag("f"))).toBe(-1);
  });

  it("does not mix up devices that count alike", () => {
    const shots = [snapshot(3, { device: "d_phone" }), snapshot(3)];
    expect(line.snapshotOf(shots, flag("f", { snapshots: [snapshot(3)] }))).toBe(1);
    expect(line.flagsOn([flag("f", { snapshots: [snapshot(3)] })], snapshot(3, { device: "d_phone" }))).toEqual([]);
  });

  it("leaves check-in and uploads out of the strip", () => {
    const shots = [
      snapshot(3),
      snapshot(1, { purpose: "face" }),
      snapshot(2, { purpose: "document" }),
      snapshot(4, { purpose: "file" }),
    ];
    expect(line.periodic(shots).map(({ seq }) => seq)).toEqual([3]);
  });

  it("takes the last face of a check-in that was done again", () => {
    const shots = [snapshot(2, { purpose: "face" }), snapshot(1, { purpose: "face" }), snapshot(9)];
    expect(line.checkInFace(shots)?.seq).toBe(2);
    expect(line.checkInFace([snapshot(9)])).toBeNull();
  });

  it("shows the room as it was last seen before an instant, else as it was first seen", () => {
    const shots = [4, 2, 9].map((seq) => snapshot(seq, { purpose: "room" }));
    const at = (seq: number) => snapshot(seq).at_ms;
    expect(line.roomAt(shots, at(8))?.seq).toBe(4);
    expect(line.roomAt(shots, at(9))?.seq).toBe(9);
    expect(line.roomAt(shots, at(2) - 1)?.seq).toBe(2);
    expect(line.roomAt([snapshot(1)], at(1))).toBeNull();
    expect(line.periodic(shots)).toEqual([]);
  });

  it("stops at both ends", () => {
    expect(line.stepped(0, -1, 5)).toBe(0);
    expect(line.stepped(4, 10, 5)).toBe(4);
    expect(line.stepped(-1, 1, 0)).toBe(-1);
  });

  it("draws an open section up to now, and a planned one not at all", () => {
    const section = { limit_s: 60, closes_at_ms: null, closed_at_ms: null, closed_by: null };
    const made = timeline();
    const spans = line.sectionSpans({
      ...made,
      session: {
        ...made.session,
        now_ms: START + MINUTE,
        sections: [
          { ...section, id: "a", title: "A", state: "open", opened_at_ms: START },
          { ...section, id: "b", title: "B", state: "planned", opened_at_ms: null },
        ],
      },
    });
    expect(spans).toEqual([{ id: "a", title: "A", span: [START, START + MINUTE] }]);
  });
});

describe("a part of the timeline shown large", () => {
  it("is half as much around a place, and stays on the timeline", () => {
    expect(line.enlarged(null, 500, "in")).toEqual([250, 750]);
    expect(line.enlarged(null, 10, "in")).toEqual([0, 500]);
    expect(line.enlarged([250, 750], 990, "in")).toEqual([750, 1000]);
  });

  it("has a smallest size, and twice as much as all is all", () => {
    expect(line.enlarged([500, 520], 510, "in")).toEqual([500, 520]);
    expect(line.enlarged([0, 500], 100, "out")).toBeNull();
    expect(line.enlarged(null, 100, "out")).toBeNull();
  });

  it("has the round times of what is seen alone", () => {
    const all = line.layOut([[START, START + 2 * HOUR]], 1000);
    expect(line.clipped(all, 250, 500)).toEqual([
      { from_ms: START + HOUR / 2, to_ms: START + HOUR, x: 250, width: 250 },
    ]);
    expect(line.clipped(all, 1000, 1200)).toEqual([]);
  });
});

it.each(["submitted", "terminated", "expired"])("a session that is %s has ended", (state) => {
  const { session } = timeline();
  expect(line.hasEnded(timeline({ session: { ...session, state } }))).toBe(true);
  expect(line.hasEnded(timeline({ session: { ...session, state: "running" } }))).toBe(false);
});
