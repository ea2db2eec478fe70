import { describe, expect, it } from "vitest";
import { clock, counted, lastedWords, lengthWords, moment, sizeWords, zoneWords } from "../../src/text/when";

const AT = Date.UTC(2026, 10, 21, 23, 30, 5);
const MINUTE = 60_000;

describe("instants", () => {
  it("are said in the reader's zone", () => {
    expect(clock(AT, "UTC")).toBe("23:30:05");
    expect(clock(AT, "Asia/Kolkata")).toBe("05:00:05");
    expect(clock(AT, "UTC", false)).toBe("23:30");
  });

  it("say midnight as 00, not as 24", () => {
    expect(clock(Date.UTC(2026, 0, 1), "UTC")).toBe("00:00:00");
  });

  it("name the day once it is another one where the reader is", () => {
    const later = AT + 40 * MINUTE;
    expect(moment(AT, later, "Asia/Kolkata")).toBe("05:00");
    expect(moment(AT, later, "UTC")).toBe("23:30 on 21 November 2026");
  });

  it("name the zone, and move with summer time", () => {
    expect(zoneWords(AT, "Europe/Berlin")).toBe("Europe/Berlin (GMT+1)");
    expect(zoneWords(Date.UTC(2026, 6, 1), "Europe/Berlin")).toBe("Europe/Berlin (GMT+2)");
    expect(zoneWords(AT, "America/New_York")).toBe("America/New York (GMT-5)");
    expect(zoneWords(AT, "UTC")).toBe("UTC");
  });
});

describe("lengths of time", () => {
  it.each([
    [0, "under a second"],
    [400, "under a second"],
    [-5000, "under a second"],
    [1000, "1 second"],
    [40_000, "40 seconds"],
    [59_600, "1 minute"],
    [90_000, "1 minute 30 seconds"],
    [80 * MINUTE, "1 hour 20 minutes"],
    [60 * MINUTE + 4000, "1 hour"],
    [50 * 60 * MINUTE, "2 days 2 hours"],
  ])("%d ms is %s", (length, words) => {
    expect(lengthWords(length)).toBe(words);
  });

  it("count one and many", () => {
    expect(counted(1, "person", "people")).toBe("1 person");
    expect(counted(0, "person", "people")).toBe("0 people");
  });
});

describe("what went on several times", () => {
  it("is told by how long it went on, and how often", () => {
    expect(lastedWords(12_000, 2)).toBe("12 seconds in all, 2 times");
    expect(lastedWords(12_000, 1)).toBe("12 seconds");
  });
});

describe("sizes", () => {
  it.each([
    [1, "1 byte"],
    [5, "5 bytes"],
    [1023, "1023 bytes"],
    [1024, "1 KB"],
    [1536, "1.5 KB"],
    [2 * 1024 * 1024, "2 MB"],
  ])("%s: %s", (bytes, words) => {
    expect(sizeWords(bytes)).toBe(words);
  });
});
