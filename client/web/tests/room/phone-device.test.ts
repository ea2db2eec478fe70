import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ProblemError } from "../../src/api";
import { Device } from "../../src/room/device";
import type { Net } from "../../src/room/learner-api";
import { ExamServer, TOKEN } from "./exam-server";

let server: ExamServer;
let device: Device;
/** What the server says to asking for a second camera. */
let asked: () => Response;

/** The server, that takes this device for a phone. */
function net(kind: string | undefined): Net {
  return {
    ...server.net,
    fetch: async (path, init) => {
      if (String(path).endsWith("/session/second-camera")) return asked();
      const answer = await server.net.fetch(path, init);
      if (!String(path).endsWith("/join") || kind === undefined) return answer;
      return Response.json({ ...((await answer.json()) as object), device_kind: kind });
    },
  };
}

beforeEach(async () => {
  vi.stubGlobal("indexedDB", new IDBFactory());
  vi.stubGlobal("location", { href: "https://proctor.example/join/abc#x" });
  server = await ExamServer.start();
});

afterEach(() => {
  device.close();
  vi.unstubAllGlobals();
});

test.each([
  ["what its link made it", "phone", "phone"],
  ["a browser, where the server does not say", undefined, "browser"],
])("the hello says %s", async (_name, kind, said) => {
  device = await Device.open(TOKEN, {}, net(kind));
  await device.accept();
  await device.received(1);
  expect(server.records("hello")[0]?.facts.get("device_kind")).toBe(said);
});

test("the address for a phone is where this browser reaches the server", async () => {
  device = await Device.open(TOKEN, {}, net(undefined));
  asked = () => Response.json({ join_token: "s_1.xyz", link: "http://inside:8080/join/s_1.xyz" });
  expect(await device.secondCamera()).toBe("https://proctor.example/join/s_1.xyz");
});

test("no address is told where the server refuses", async () => {
  device = await Device.open(TOKEN, {}, net(undefined));
  const problem = { type: "urn:proctor:problem:too-many-phones", title: "", status: 409, detail: "" };
  asked = () => Response.json(problem, { status: 409 });
  await expect(device.secondCamera()).rejects.toThrow(ProblemError);
});
