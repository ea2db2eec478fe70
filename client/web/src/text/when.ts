/** Instants, lengths of time, counts and sizes in words. All times are milliseconds since 1970 UTC. */

/** The reader's own zone, as an IANA name. */
export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Kept, because to make one takes longer than to draw a thumbnail, and each has its time. */
const clocks = new Map<string, Intl.DateTimeFormat>();

/** "14:02:20", or "14:02" without seconds. */
export function clock(at_ms: number, zone: string, seconds = true): string {
  const key = `${zone} ${String(seconds)}`;
  let found = clocks.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      hourCycle: "h23",
      hour: "2-digit",
      minute: "2-digit",
      ...(seconds ? { second: "2-digit" as const } : {}),
    });
    clocks.set(key, found);
  }
  return found.format(at_ms);
}

/** "21 November 2026". */
export function day(at_ms: number, zone: string): string {
  return new Intl.DateTimeFormat("en-GB", { timeZone: zone, dateStyle: "long" }).format(at_ms);
}

/** "14:02" on the reader's own day, "14:02 on 20 November 2026" on any other. */
export function moment(at_ms: number, now_ms: number, zone: string): string {
  const time = clock(at_ms, zone, false);
  return day(at_ms, zone) === day(now_ms, zone) ? time : `${time} on ${day(at_ms, zone)}`;
}

/** "Europe/Paris (GMT+1)": at an instant, because summer time moves it. */
export function zoneWords(at_ms: number, zone: string): string {
  if (zone === "UTC") return zone;
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    timeZoneName: "shortOffset",
  }).formatToParts(at_ms);
  const offset = parts.find((part) => part.type === "timeZoneName")?.value;
  const name = zone.replaceAll("_", " ");
  return offset === undefined || offset === name ? name : `${name} (${offset})`;
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

/** The two largest units that are not zero: "1 hour 20 minutes", "40 seconds". Negative is 0. */
export function lengthWords(length_ms: number): string {
  let left = Math.max(0, Math.round(length_ms / 1000));
  const words: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) words.push(counted(count, unit));
    // "1 day 4 seconds" would say more than it knows.
    else if (words.length > 0) break;
    if (words.length === 2) break;
  }
  return words.join(" ") || "under a second";
}

/** Whole minutes once there are two: the eye is not drawn every second. */
export function minutes(length_ms: number): string {
  return lengthWords(length_ms < 120_000 ? length_ms : Math.floor(length_ms / 60_000) * 60_000);
}

/** "12 seconds in all, 2 times": how long it went on, not from its first moment to its last. */
export function lastedWords(lasted_ms: number, times: number): string {
  return lengthWords(lasted_ms) + (times > 1 ? ` in all, ${times} times` : "");
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** "64 KB", "4 MB". */
export function sizeWords(bytes: number): string {
  if (bytes < 1024) return counted(bytes, "byte");
  const [size, unit] = bytes < 1024 * 1024 ? [bytes / 1024, "KB"] : [bytes / 1024 / 1024, "MB"];
  return `${Math.round(size * 10) / 10} ${unit}`;
}
