import { describe, expect, it } from "vitest";
import { ProblemError, Unreachable } from "../../src/api";
import { MAX_FILE_BYTES } from "../../src/room/after";
import { type Asked, Afterwards } from "../../src/room/afterwards";
import { after } from "../../src/text/after";

const refused = (code: string) => new ProblemError(code, 409, "", "");

/** An exam server that knows one session, and fails on demand. */
class Server implements Asked {
  contest: object | null = null;
  readonly sent: unknown[] = [];
  readonly files: string[] = [];
  fails: (path: string) => Error | null = () => null;

  async after(path: string, body?: unknown): Promise<unknown> {
    if (body !== undefined) this.sent.push(body);
    const error = this.fails(path);
    if (error !== null) throw error;
    if (path === "contest") this.contest = { flags: [], attachments: [], at_ms: 1, ...(body as object) };
    if (path === "looks") return [];
    return { session: { session: "s_1", now_ms: 1 }, review: "decided", contest: this.contest };
  }
  async afterFile(path: string): Promise<Blob> {
    this.files.push(path);
    const error = this.fails(path);
    if (error !== null) throw error;
    return new Blob([path]);
  }
}

function page() {
  const server = new Server();
  const revoked: string[] = [];
  let made = 0;
  const here = new Afterwards(server, {
    createObjectURL: () => `blob:${(made += 1)}`,
    revokeObjectURL: (url) => void revoked.push(url),
  });
  return { server, here, revoked };
}

describe("what is shown", () => {
  it("comes with what was decided and who looked", async () => {
    const { here } = page();
    const loading = here.load();
    expect(here.busy.value).toBe(after.wait);
    await loading;
    expect(here.told.value?.session).toBe("s_1");
    expect(here.busy.value).toBeNull();
  });

  it.each([
    [new Unreachable(), after.trouble.unreachable],
    [refused("not-over-yet"), after.trouble.codes["not-over-yet"]],
    [refused("whatever"), after.trouble.other],
  ])("or it is said why not: %s", async (error, words) => {
    const { server, here } = page();
    server.fails = () => error;
    await here.load();
    expect(here.trouble.value).toBe(words);
    expect(here.told.value).toBeNull();
    server.fails = () => null;
    await here.load();
    expect(here.trouble.value).toBeNull();
  });
});

describe("a picture", () => {
  it("is fetched once", async () => {
    const { server, here } = page();
    expect(await here.picture("ab")).toBe("blob:1");
    expect(await here.picture("ab")).toBe("blob:1");
    expect(server.files).toEqual(["blobs/ab"]);
  });

  it("that did not come is asked for again", async () => {
    const { server, here } = page();
    server.fails = () => new Unreachable();
    await expect(here.picture("ab")).rejects.toThrow(Unreachable);
    server.fails = () => null;
    expect(await here.picture("ab")).toBe("blob:1");
  });

  it("is let go of when many others came, the one that was wanted longest ago first", async () => {
    const { here, revoked } = page();
    await here.picture("first");
    await here.picture("second");
    for (let number = 0; number < 118; number += 1) await here.picture(`p${number}`);
    await here.picture("first");
    await here.picture("one more");
    await Promise.resolve();
    expect(revoked).toEqual(["blob:2"]);
    here.close();
    await Promise.resolve();
    expect(revoked).toHaveLength(121);
  });
});

describe("the answer", () => {
  it("is sent with its files, and read back", async () => {
    const { server, here } = page();
    await here.load();
    here.write("It was my sister.");
    here.writeTo("f1", "She brought tea.");
    await here.add([new File(["tea"], "tea.txt", { type: "text/plain; charset=utf-8" })]);
    await here.send();
    expect(server.sent).toEqual([
      {
        text: "It was my sister.",
        flags: [{ flag: "f1", text: "She brought tea." }],
        attachments: [{ name: "tea.txt", type: "text/plain", data_base64: "dGVh" }],
      },
    ]);
    expect(here.told.value?.answered).not.toBeNull();
    expect(here.trouble.value).toBeNull();
    expect(here.isWritten.value).toBe(false);
  });

  it("that says nothing is not sent", async () => {
    const { server, here } = page();
    await here.send();
    expect(server.sent).toEqual([]);
    expect(here.problem.value).toBe(after.answer.problem.nothing);
    here.write("x");
    expect(here.problem.value).toBeNull();
  });

  it("that did not arrive is still there, and it is said so", async () => {
    const { server, here } = page();
    here.write("It was my sister.");
    server.fails = (path) => (path === "contest" ? refused("contest-over") : null);
    await here.send();
    expect(here.trouble.value).toBe(after.trouble.codes["contest-over"]);
    expect(here.text.value).toBe("It was my sister.");
    expect(here.isWritten.value).toBe(true);
  });

  it("stays where it was written while another one is what was taken", async () => {
    const { server, here } = page();
    here.write("It was my sister.");
    here.writeTo("f1", "She brought tea.");
    server.contest = { text: "From another tab.", flags: [], attachments: [], at_ms: 1 };
    server.fails = (path) => (path === "contest" ? refused("illegal-move") : null);
    await here.send();
    expect(here.told.value?.answered?.text).toBe("From another tab.");
    expect(here.text.value).toBe("It was my sister.");
    expect([here.isWrittenTo("f1"), here.isWrittenTo("f2")]).toEqual([true, false]);
    expect(here.trouble.value).toBe(after.trouble.codes["illegal-move"]);
  });

  it("to single flags stays, while an answer to others is what was taken", async () => {
    const { server, here } = page();
    here.writeTo("f1", "She brought tea.");
    server.contest = { text: "", flags: [{ flag: "f2", text: "No." }], attachments: [], at_ms: 1 };
    server.fails = (path) => (path === "contest" ? refused("illegal-move") : null);
    await here.send();
    expect(here.isWrittenTo("f1")).toBe(true);
    expect(here.trouble.value).toBe(after.trouble.codes["illegal-move"]);
  });

  it("stays with its files, while the same words without them are what was taken", async () => {
    const { server, here } = page();
    here.write("It was my sister.");
    await here.add([new File(["tea"], "tea.txt")]);
    server.contest = { text: "It was my sister.", flags: [], attachments: [], at_ms: 1 };
    server.fails = (path) => (path === "contest" ? refused("illegal-move") : null);
    await here.send();
    expect(here.files.value).toHaveLength(1);
  });

  it.each(["contests-busy", "too-slow", "too-large", "contest-too-large", "storage-full"])(
    "that is refused as %s is said why, and kept",
    async (code) => {
      const { server, here } = page();
      here.write("It was my sister.");
      await here.add([new File(["tea"], "tea.txt")]);
      server.fails = (path) => (path === "contest" ? refused(code) : null);
      await here.send();
      expect(here.trouble.value).toBe(after.trouble.codes[code]);
      expect(here.trouble.value).toBeTruthy();
      expect([here.text.value, here.files.value.length]).toEqual(["It was my sister.", 1]);
    },
  );

  it("of which no answer came, but which was taken, is no trouble", async () => {
    const { server, here } = page();
    here.write("It was my sister. ");
    here.writeTo("f1", "She brought tea.");
    here.writeTo("f2", " ");
    await here.add([new File(["tea"], "tea.txt")]);
    server.fails = (path) => {
      if (path !== "contest") return null;
      server.contest = {
        text: "It was my sister.",
        flags: [{ flag: "f1", text: "She brought tea." }],
        attachments: [{ name: "tea.txt", sha256: "ab", size: 3 }],
        at_ms: 1,
      };
      return new Unreachable();
    };
    await here.send();
    expect(here.trouble.value).toBeNull();
    expect(here.isWritten.value).toBe(false);
    expect(here.told.value?.answered?.text).toBe("It was my sister.");
  });

  it("can lose a file again, and takes none that is too large", async () => {
    const { here } = page();
    await here.add([new File(["tea"], "tea.txt")]);
    expect(here.files.value[0]?.type).toBe("application/octet-stream");
    await here.add([new File([], "empty.txt")]);
    expect(here.notAdded.value).toEqual({
      of: 1,
      whys: [after.answer.problem.empty("empty.txt")],
    });
    const [file] = here.files.value;
    here.remove(file!);
    expect(here.files.value).toEqual([]);
    expect(here.notAdded.value.whys).toEqual([]);
  });

  it("keeps the good ones of several files, and each other is named with its reason", async () => {
    const { here } = page();
    const { problem } = after.answer;
    const scan = new File([new Uint8Array(MAX_FILE_BYTES + 1)], "scan.pdf");
    const gone = new File(["x"], "gone.txt");
    gone.arrayBuffer = () => Promise.reject(new Error("it was moved"));
    const good = Array.from({ length: 5 }, (_, at) => new File(["mirror"], `mirror${at}.png`));
    await here.add([scan, ...good.slice(0, 4), gone, new File([], "none.txt"), good[4]!, good[0]!]);
    expect(here.files.value.map(({ name }) => name)).toEqual(good.map(({ name }) => name));
    expect(here.notAdded.value).toEqual({
      of: 9,
      whys: [
        problem.large("scan.pdf", MAX_FILE_BYTES),
        problem.unread("gone.txt"),
        problem.empty("none.txt"),
        problem.many("mirror0.png", 5),
      ],
    });
    // What is written meanwhile takes nothing of it away.
    here.write("It was a mirror.");
    expect(here.notAdded.value.whys).toHaveLength(4);
  });
});

describe("the bundle", () => {
  it("comes as it is, or it is said why not", async () => {
    const { server, here } = page();
    expect(await (await here.bundle())?.text()).toBe("bundle");
    server.fails = () => new Unreachable();
    expect(await here.bundle()).toBeNull();
    expect(here.trouble.value).toBe(after.trouble.unreachable);
  });
});
