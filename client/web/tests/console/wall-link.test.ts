import { describe, expect, it } from "vitest";
import { type LinkState, SILENT_MS, WallLink } from "../../src/console/wall-link";
import { wallAddress } from "../../src/console/wall-api";
import { START } from "../made";
import { Clock, Lines, tile } from "./wall-made";

function linked() {
  const clock = new Clock();
  const lines = new Lines();
  const states: LinkState[] = [];
  const messages: string[] = [];
  const may = { try: true };
  const link = new WallLink({
    open: lines.open,
    onMessage: (message) => messages.push(message.type),
    onState: (state) => states.push(state),
    mayTry: () => Promise.resolve(may.try),
    ...clock,
    random: () => 0.5,
  });
  link.start();
  return { clock, lines, states, messages, link, may };
}

describe("the line of the wall", () => {
  it("is live once the wall has come, and not before", () => {
    const { lines, states, link } = linked();
    expect(link.send({ type: "look", session: "s_1" })).toBe(false);
    lines.wall([tile("s_1")]);
    expect(states.at(-1)).toEqual({ is: "live" });
    expect(link.send({ type: "look", session: "s_1" })).toBe(true);
    expect(lines.last.said).toEqual([{ type: "look", session: "s_1" }]);
  });

  it("says from when what is shown is, and tries again in ever longer steps", async () => {
    const { clock, lines, states } = linked();
    lines.wall([]);
    lines.last.events.closed();
    expect(states.at(-1)).toEqual({ is: "cut", since_ms: START });
    await clock.pass(500);
    expect(lines.opened.length).toBe(2);
    lines.last.events.closed();
    await clock.pass(500);
    expect(lines.opened.length).toBe(2);
    await clock.pass(500);
    expect(lines.opened.length).toBe(3);
    lines.wall([]);
    expect(states.at(-1)).toEqual({ is: "live" });
  });

  it("tries at once when somebody asks for it", () => {
    const { lines, link } = linked();
    lines.last.events.closed();
    link.hurry();
    link.hurry();
    expect(lines.opened.length).toBe(2);
  });

  it("takes a line for dead on which nothing was heard for long", async () => {
    const { clock, lines, states, link } = linked();
    lines.wall([]);
    await clock.pass(SILENT_MS);
    link.tick();
    expect(states.at(-1)).toEqual({ is: "live" });
    await clock.pass(1);
    link.tick();
    expect([states.at(-1)?.is, lines.last.closed]).toEqual(["cut", true]);
  });

  it("listens no more to a line that it gave up", async () => {
    const { clock, lines, messages, link } = linked();
    lines.wall([]);
    const old = lines.last;
    link.cut();
    await clock.pass(500);
    old.events.heard(JSON.stringify({ type: "delta", now_ms: START }));
    old.events.closed();
    expect([messages, lines.opened.length]).toEqual([["wall"], 2]);
  });

  it("stops where nobody may come in any more", async () => {
    const { clock, lines, link, may } = linked();
    may.try = false;
    lines.last.events.closed();
    await clock.pass(500);
    await clock.pass(60_000);
    expect(lines.opened.length).toBe(1);
    may.try = true;
    link.start();
    expect(lines.opened.length).toBe(2);
  });
});

describe("the wall's address", () => {
  it("is a WebSocket's of the same host", () => {
    expect(wallAddress("https://proctor.example", null)).toBe("wss://proctor.example/api/v1/wall");
    expect(wallAddress("http://127.0.0.1:8080", "a b")).toBe(
      "ws://127.0.0.1:8080/api/v1/wall?exam=a+b",
    );
  });
});
