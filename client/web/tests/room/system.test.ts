import { expect, test } from "vitest";
import { systemReport, type Hints } from "../../src/room/system";

const like = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
type Case = [name: string, hints: Partial<Hints>, os: string, version: string, form: string];
const cases: readonly Case[] = [
  ["Windows 11", { platform: "Windows", platformVersion: "15.0.0" }, "windows", "10.0.22000", ""],
  ["Windows 10", { platform: "Windows", platformVersion: "10.0.0" }, "windows", "10.0", ""],
  ["Windows 8.1", { platform: "Windows", platformVersion: "0.3" }, "windows", "6.3", ""],
  ["macOS that tells", { platform: "macOS", platformVersion: "14.5.0" }, "macos", "14.5.0", ""],
  [
    "macOS that does not",
    { userAgent: `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${like}` },
    ...(["macos", "", ""] as const),
  ],
  [
    "an old macOS",
    { userAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.13; rv:115.0) Firefox/115.0" },
    ...(["macos", "10.13", ""] as const),
  ],
  [
    "an iPad, which calls itself a Mac",
    { userAgent: `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${like}`, touchPoints: 5 },
    ...(["ios", "", "tablet"] as const),
  ],
  [
    "an iPhone",
    { userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148" },
    ...(["ios", "17.5", "phone"] as const),
  ],
  [
    "Firefox on Windows 7",
    { userAgent: "Mozilla/5.0 (Windows NT 6.1; rv:115.0) Firefox/115.0" },
    ...(["windows", "6.1", ""] as const),
  ],
  [
    "an Android phone",
    { platform: "Android", platformVersion: "14.0.0", mobile: true, model: "Pixel 8" },
    ...(["android", "14.0.0", "phone"] as const),
  ],
  [
    "an Android tablet",
    { userAgent: `Mozilla/5.0 (Linux; Android 13; SM-X200) ${like}` },
    ...(["android", "13", "tablet"] as const),
  ],
  ["a Chromebook", { userAgent: `(X11; CrOS x86_64 14541.0.0) ${like}` }, "chromeos", "", ""],
  ["Linux", { userAgent: `Mozilla/5.0 (X11; Linux x86_64) ${like}` }, "linux", "", ""],
  ["something else", { userAgent: "Mozilla/5.0 (Haiku)" }, "", "", ""],
];

test.each(cases)("%s is told apart", (_name, hints, os, os_version, form) => {
  const report = systemReport({ userAgent: "", touchPoints: 0, ...hints });
  expect(report).toMatchObject({ os, os_version, form, model: hints.model ?? "" });
});
