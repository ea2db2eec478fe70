import { describe, expect, it } from "vitest";
import {
  browserName,
  CHECKS,
  type Measures,
  readRows,
  readSeen,
  type Row,
  rowsOf,
  type Seen,
  STATUSES,
} from "../../src/room/readiness";
import { readiness, told } from "../../src/text/readiness";

const SEEN: Seen = {
  ...{ pictures: 10, looked_at: 10, unavailable: 0, no_face: 0, one_face: 10, more_faces: 0 },
  ...{ dark: 0, covered: 0, frozen: 0, light_mean: 99.6 },
};
const STILL = { mean: 120, p95: 200, contrast: 50, sharpness: 90, glare: 0, width: 640, height: 480 };
const GOOD: Measures = {
  browser: "Firefox 131",
  worker_stills: true,
  full_screen: true,
  system: { os: "macos", os_version: "14.5", maker: "Apple", model: "", form: "" },
  refused: [],
  camera: "on",
  still: STILL,
  seen: SEEN,
  more_displays: false,
  displays_most: 1,
  offset_ms: 120,
  trip_ms: 40,
  uploads: [{ bytes: 50_000, ms: 140 }],
  every_s: 10,
  free_bytes: 2e9,
  persisted: true,
};

function line(check: Row["check"], changed: Partial<Measures>): Row {
  const found = rowsOf({ ...GOOD, ...changed }).find((row) => row.check === check);
  if (found === undefined) throw new Error(`no line ${check}`);
  return found;
}

const seen = (changed: Partial<Seen>): Partial<Measures> => ({ seen: { ...SEEN, ...changed } });

describe("a report", () => {
  it("has a line for each check, and is in order where everything is", () => {
    const rows = rowsOf(GOOD);
    expect(rows.map(({ check }) => check)).toEqual([...CHECKS]);
    expect(rows.filter(({ status }) => status !== "ok")).toEqual([]);
  });

  it.each<[string, Row["check"], Partial<Measures>, Row["status"]]>([
    ["a browser without workers", "browser", { worker_stills: false }, "mind"],
    ["a computer that a rule refuses", "system", { refused: ["a phone"] }, "mend"],
    ["a computer nobody knows", "system", { system: { ...GOOD.system, os: "" } }, "not-tried"],
    ["a camera that is not allowed", "camera", { camera: "denied" }, "mend"],
    ["a camera that gives no picture", "camera", { still: null, seen: null }, "mend"],
    ["a camera whose pictures arrived", "camera", { still: null }, "ok"],
    ["most pictures dark", "light", seen({ dark: 6 }), "mend"],
    ["half of them dark", "light", seen({ dark: 5 }), "mind"],
    ["most of them covered", "light", seen({ covered: 9 }), "mend"],
    ["one covered", "light", seen({ covered: 1 }), "mind"],
    ["no machine looked, and it is dark", "light", { seen: null, still: { ...STILL, mean: 20, p95: 50 } }, "mend"],
    ["no machine looked, and there is light", "light", { seen: null }, "ok"],
    ["no picture at all", "light", { seen: null, still: null }, "not-tried"],
    ["no face anywhere", "face", seen({ one_face: 0, no_face: 10 }), "mend"],
    ["a face in most", "face", seen({ one_face: 9, no_face: 1 }), "mind"],
    ["a second face in one", "face", seen({ one_face: 9, more_faces: 1 }), "mind"],
    ["pictures that nobody looked at", "face", seen({ looked_at: 0 }), "not-tried"],
    ["a machine without eyes", "face", seen({ unavailable: 10, one_face: 0 }), "not-tried"],
    ["a server that does not say", "face", { seen: null }, "not-tried"],
    ["a second display", "displays", { more_displays: true }, "mend"],
    ["a second display where two may be", "displays", { more_displays: true, displays_most: 2 }, "mind"],
    ["a browser that counts no displays", "displays", { more_displays: null }, "not-tried"],
    ["a clock 5 s off", "clock", { offset_ms: -5000 }, "ok"],
    ["a clock more than 5 s off", "clock", { offset_ms: -5001 }, "mind"],
    ["a clock more than 5 min off", "clock", { offset_ms: 300_001 }, "mend"],
    ["a clock nobody compared", "clock", { offset_ms: null }, "not-tried"],
    ["a far server", "network", { trip_ms: 501 }, "mind"],
    ["a server that did not answer", "network", { trip_ms: null }, "not-tried"],
    ["no picture confirmed", "upload", { uploads: [] }, "not-tried"],
    ["a picture slower than the next one comes", "upload", { uploads: [{ bytes: 50_000, ms: 10_041 }] }, "mend"],
    ["a picture that takes most of that time", "upload", { uploads: [{ bytes: 50_000, ms: 5_041 }] }, "mind"],
    ["no room", "storage", { free_bytes: 39_999_999 }, "mend"],
    ["little room", "storage", { free_bytes: 199_999_999 }, "mind"],
    ["a browser that counts no room", "storage", { free_bytes: null }, "not-tried"],
  ])("%s: the line %s", (_name, check, changed, status) => {
    expect(line(check, changed).status).toBe(status);
  });

  it("measures the upload by the best picture, without the answer's way back", () => {
    const uploads = [{ bytes: 50_000, ms: 2040 }, { bytes: 50_000, ms: 140 }, { bytes: 40_000, ms: 840 }];
    expect(line("upload", { uploads }).facts).toEqual({
      bytes: 50_000,
      bits_per_s: 4_000_000,
      every_s: 10,
    });
    expect(line("upload", { uploads: [{ bytes: 1, ms: 3 }] }).facts["bits_per_s"]).toBe(8000);
  });

  it("has whole numbers only, as a record needs them", () => {
    const odd = { offset_ms: 0.4, trip_ms: 12.3, free_bytes: 1e9 / 3, uploads: [{ bytes: 7, ms: 99.9 }] };
    for (const { facts } of rowsOf({ ...GOOD, ...odd })) {
      for (const fact of Object.values(facts)) {
        if (typeof fact === "number") expect(Number.isInteger(fact)).toBe(true);
      }
    }
  });
});

describe("the words of a report", () => {
  const worlds: Partial<Measures>[] = [
    {},
    { worker_stills: false, refused: ["a phone"], camera: "busy", more_displays: true },
    { camera: "none", seen: null, still: null, more_displays: null, offset_ms: null, trip_ms: null },
    { uploads: [], free_bytes: null, system: { ...GOOD.system, os: "" }, camera: "asking" },
    { ...seen({ dark: 9, one_face: 1, no_face: 9 }), offset_ms: 7.2e6, trip_ms: 900, free_bytes: 1e6 },
    { ...seen({ covered: 9, one_face: 1, more_faces: 9 }), uploads: [{ bytes: 50_000, ms: 60_000 }] },
  ];

  it("say of every line what was found, and of every red one what to do", () => {
    const met = new Set<string>();
    for (const world of worlds) {
      for (const row of rowsOf({ ...GOOD, ...world })) {
        const { says, does } = told(row);
        met.add(row.status);
        expect(says).toMatch(/^[A-Z0-9].*[.]$/);
        expect(`${says} ${does}`).not.toMatch(/undefined|NaN|null|!/);
        if (row.status === "mend" || row.status === "mind") expect(does).not.toBe("");
        if (row.status === "ok") expect(does).toBe("");
      }
    }
    expect([...met].sort()).toEqual([...STATUSES].sort());
  });

  it("say how far a clock is off, and to which side", () => {
    expect(told(line("clock", { offset_ms: 7.2e6 })).says).toContain("2 hours behind");
    expect(told(line("clock", { offset_ms: -61_000 })).says).toContain("1 minute 1 second ahead of");
  });

  it("say how fast pictures go", () => {
    const says = told(line("upload", {})).says;
    expect(says).toBe("Pictures are sent at 4.0 Mbit/s; the exam takes one every 10 seconds.");
    expect(told(line("upload", { every_s: 1 })).says).toContain("one every second");
  });

  it("count what is to be mended", () => {
    expect(readiness.heading(0)).toBe("You are ready");
    expect(readiness.heading(2)).toBe("2 things to mend before your exam");
  });
});

describe("what is read back", () => {
  it("is the lines that were kept, without what is none", () => {
    const rows = rowsOf(GOOD);
    expect(readRows(JSON.parse(JSON.stringify(rows)))).toEqual(rows);
    expect(readRows([...rows, null, { check: "mood", status: "ok", facts: {} }, 7])).toEqual(rows);
    for (const other of [undefined, null, {}, "rows"]) expect(readRows(other)).toBeNull();
  });

  it("is what the server saw, or nothing", () => {
    expect(readSeen({ seen: SEEN, now_ms: 1 })).toEqual(SEEN);
    for (const other of [null, {}, { seen: null }, { seen: { ...SEEN, dark: "2" } }]) {
      expect(readSeen(other)).toBeNull();
    }
  });
});

describe("the name of a browser", () => {
  it.each([
    ["Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0", "Firefox 131"],
    ["Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36", "Chrome 130"],
    ["Mozilla/5.0 AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36 Edg/130.0.2849.56", "Edge 130"],
    ["Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/17.6 Safari/605.1.15", "Safari 17.6"],
    ["curl/8", ""],
  ])("%s is %s", (agent, name) => expect(browserName(agent)).toBe(name));
});
