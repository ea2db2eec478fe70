/** What this computer is, as far as its browser says: for the policy's rules about systems. */

/** As the server's rules read it; "" is not known, and matches no rule. */
export interface SystemReport {
  /** "windows", "macos", "linux", "android", "ios", "chromeos". */
  readonly os: string;
  readonly os_version: string;
  readonly maker: string;
  readonly model: string;
  /** "phone", "tablet", "laptop" or "desktop". */
  readonly form: string;
}

/** What a browser may tell; `platform` and the rest are of User-Agent Client Hints. */
export interface Hints {
  readonly userAgent: string;
  readonly touchPoints: number;
  readonly platform?: string;
  readonly platformVersion?: string;
  readonly model?: string;
  readonly mobile?: boolean;
}

const PLATFORMS: ReadonlyMap<string, string> = new Map([
  ["Windows", "windows"],
  ["macOS", "macos"],
  ["Linux", "linux"],
  ["Android", "android"],
  ["iOS", "ios"],
  ["Chrome OS", "chromeos"],
  ["ChromeOS", "chromeos"],
]);
/** In this order: an Android names Linux too, and an iPhone says that it is like a Mac. */
const AGENTS: readonly (readonly [RegExp, string])[] = [
  [/\bCrOS\b/, "chromeos"],
  [/\bAndroid(?: (\d+(?:\.\d+)*))?/, "android"],
  [/\b(?:iPhone|iPad|iPod)\b.*? OS (\d+(?:_\d+)*)/, "ios"],
  [/\bWindows NT (\d+\.\d+)/, "windows"],
  [/\bMac OS X (\d+(?:[_.]\d+)*)/, "macos"],
  [/\bLinux\b/, "linux"],
];
/** Browsers say this of every newer macOS, lest pages that read it break. */
const FROZEN_MACOS = "10.15.7";

export function systemReport(hints: Hints): SystemReport {
  const { userAgent, touchPoints, platform = "", platformVersion = "" } = hints;
  const named = PLATFORMS.get(platform);
  const agent = fromAgent(userAgent);
  // An iPad calls itself a Mac, and no Mac has a touch screen.
  const os = named ?? (agent.os === "macos" && touchPoints > 1 ? "ios" : agent.os);
  const hinted = os === "windows" ? windowsVersion(platformVersion) : platformVersion;
  const os_version = named === undefined || platformVersion === "" ? agent.version : hinted;
  return {
    os,
    os_version: os === agent.os || named !== undefined ? os_version : "",
    maker: os === "macos" || os === "ios" ? "Apple" : "",
    model: hints.model ?? "",
    form: formOf(os, hints),
  };
}

/** What this browser tells, with what it tells when asked. */
export async function hintsOf(browser: Navigator): Promise<Hints> {
  const { userAgent, maxTouchPoints: touchPoints } = browser;
  const data = (browser as { userAgentData?: UserAgentData }).userAgentData;
  if (data === undefined) return { userAgent, touchPoints };
  const { platform, mobile } = data;
  try {
    const { platformVersion, model } = await data.getHighEntropyValues([
      "platformVersion",
      "model",
    ]);
    return { userAgent, touchPoints, platform, mobile, platformVersion, model };
  } catch {
    return { userAgent, touchPoints, platform, mobile };
  }
}

/** User-Agent Client Hints, which TypeScript does not know yet. */
interface UserAgentData {
  readonly platform: string;
  readonly mobile: boolean;
  getHighEntropyValues(names: string[]): Promise<{ platformVersion: string; model: string }>;
}

function fromAgent(userAgent: string): { os: string; version: string } {
  for (const [pattern, os] of AGENTS) {
    const found = pattern.exec(userAgent);
    if (found === null) continue;
    const version = (found[1] ?? "").replaceAll("_", ".");
    return { os, version: os === "macos" && version === FROZEN_MACOS ? "" : version };
  }
  return { os: "", version: "" };
}

/** Windows as it numbers itself. Source: learn.microsoft.com, "Detect Windows 11 using UA-CH". */
function windowsVersion(hinted: string): string {
  const [major = 0, minor = 0] = hinted.split(".").map(Number);
  if (major >= 13) return "10.0.22000"; // Windows 11 calls itself 10.0, from that build on
  if (major > 0) return "10.0";
  return minor > 0 ? `6.${minor}` : "";
}

function formOf(os: string, { userAgent, mobile }: Hints): string {
  if (os === "android") return (mobile ?? /\bMobile\b/.test(userAgent)) ? "phone" : "tablet";
  if (os === "ios") return /\biP(?:hone|od)\b/.test(userAgent) ? "phone" : "tablet";
  return "";
}
