/**
 * The steps of verifying a bundle, in order: each rests on those before it.
 *
 * The twin of the same functions in `proctor/evidence/verify.py`, word for word. What each has to
 * show stands in docs/spec/evidence-v1.md, "Verifying a bundle".
 */

import { hex, utf8 } from "./bytes";
import { BLOBS, parseFacts, POLICY, SEAL, sealText, SESSION, unpack } from "./bundle";
import { EvidenceError } from "./errors";
import type { Json } from "./json";
import { KeyKind, VerifierKey } from "./key";
import {
  changed,
  counted,
  dateOf,
  digestsHeld,
  digestsOf,
  fact,
  isEmpty,
  Known,
  logNames,
  objectsIn,
  Refuted,
  same,
  saidWrong,
  sealedOtherwise,
  textsIn,
} from "./known";
import { Checkpoint, isFork, Note, onlySignedBy, openCheckpoint, openCosignature } from "./note";
import { SERVER_DEVICE, type RecordLine } from "./record";
import { digestOf } from "./sha256";
import { Frontier } from "./tree";

/** Takes one step and says what held. `share` is told how much of it is done, 0 to 1. */
export type Run = (known: Known, share: (done: number) => void) => Promise<string> | string;

export const STEPS: readonly (readonly [title: string, run: Run])[] = [
  ["the file is a bundle, byte for byte", container],
  ["the server sealed exactly these members", seal],
  ["the server's log is whole and signed", serverLog],
  ["each device's log is whole, signed by the device, cosigned by the server", deviceLogs],
  ["the policy is the one announced and accepted", policy],
  ["every blob is the one recorded: held, erased, or never arrived", blobs],
  ["devices saw the server's log as it is", beats],
  ["the answers handed in are the answers recorded", submissions],
  ["flags, verdicts and forks rest on what is in this bundle", judgements],
];

function container(known: Known): string {
  known.container = unpack(known.data);
  known.facts = parseFacts(known.member(SESSION));
  return `${known.container.members.size} members`;
}

async function seal(known: Known, share: (done: number) => void): Promise<string> {
  const stated = VerifierKey.parse(known.facts.server_key);
  known.serverKey ??= stated;
  if (stated.encode() !== known.key.encode() || stated.kind !== KeyKind.COSIGNATURE) {
    throw new Refuted("sealed for another server's key than the one to verify with");
  }
  if (stated.name !== known.facts.server) {
    throw new Refuted("the server's key bears another name than the server");
  }
  const note = Note.parse(known.member(SEAL));
  onlySignedBy(note, [known.key]);
  await openCosignature(note, known.key);
  const { members, directorySha256: directory } = known.container;
  const sealed = [...members].filter(([name]) => !name.startsWith(BLOBS) && name !== SEAL);
  const digests = await Promise.all(
    sealed.map(async ([name, data]) => [await digestOf(data), name] as const),
  );
  if (note.text !== sealText(known.facts, { count: members.size - 1, directory, digests })) {
    const found = new Map(digests.map(([digest, name]) => [name, digest]));
    throw await sealedOtherwise(known, note.text, found, share);
  }
  const logs = [SERVER_DEVICE, ...known.facts.devices.keys()].flatMap(logNames);
  const expected = [SESSION, POLICY, ...logs].sort();
  const found = sealed.map(([name]) => name).sort();
  if (found.length !== expected.length || found.some((name, at) => name !== expected[at])) {
    throw new Refuted("the members are not those of the session's devices");
  }
  return `signed by ${stated.name}`;
}

async function serverLog(known: Known): Promise<string> {
  const { facts } = known;
  const note = known.readLog(SERVER_DEVICE);
  onlySignedBy(note, [known.key]);
  await openCosignature(note, known.key);
  known.sameTree(SERVER_DEVICE, Checkpoint.parse(note.text));
  const first = known.first(SERVER_DEVICE);
  const stated = (["exam", "exam_sha256", "policy_sha256"] as const).every(
    (key) => fact(first, key) === facts[key],
  );
  if (first.kind !== "opened" || !stated) {
    throw new Refuted("the session was opened for another exam", SERVER_DEVICE, 0);
  }
  const admitted = new Map<string, Json>();
  for (const record of known.ofKind("device")) {
    const [device, key] = [fact(record, "id"), fact(record, "key")];
    const before = typeof device === "string" ? admitted.get(device) : undefined;
    if (typeof device !== "string" || (before !== undefined && !same(before, key))) {
      throw saidWrong("admits no device, or one device with two keys", record);
    }
    if (before === undefined) admitted.set(device, key);
  }
  for (const [device, key] of facts.devices) {
    if (admitted.get(device) !== key) {
      throw new Refuted("the server's log admits no such device and key", device);
    }
  }
  const silent = admitted.size - facts.devices.size;
  const { length } = known.log(SERVER_DEVICE).records;
  return `${counted(length, "record")}; ${counted(silent, "admitted device")} without a log`;
}

async function deviceLogs(known: Known): Promise<string> {
  let count = 0;
  let last_s = 0n;
  for (const [device, encoded] of known.facts.devices) {
    const key = VerifierKey.parse(encoded);
    if (key.name !== device) throw new Refuted("its key is another device's", device);
    const note = known.readLog(device);
    onlySignedBy(note, [key, known.key]);
    const checkpoint = await openCheckpoint(note, { key, origin: known.origin(device) });
    known.sameTree(device, checkpoint);
    const at_s = await openCosignature(note, known.key);
    if (at_s > last_s) last_s = at_s;
    const hello = known.first(device);
    if (hello.kind !== "hello" || fact(hello, "key") !== encoded) {
      throw new Refuted("the log does not begin with its key", device, 0);
    }
    count += known.log(device).records.length;
  }
  if (known.facts.devices.size === 0) return "no device wrote a log";
  const devices = counted(known.facts.devices.size, "device");
  return `${counted(count, "record")} of ${devices}, all receipted by ${dateOf(last_s)}`;
}

async function policy(known: Known): Promise<string> {
  const digest = await digestOf(known.member(POLICY));
  if (digest !== known.facts.policy_sha256) {
    throw new Refuted("the policy is not the one the session was opened under");
  }
  for (const device of known.facts.devices.keys()) {
    if (fact(known.first(device), "policy_sha256") !== digest) {
      throw new Refuted("the learner accepted another policy", device, 0);
    }
  }
  return `policy ${digest.slice(0, 12)}, accepted on every device`;
}

async function blobs(known: Known, share: (done: number) => void): Promise<string> {
  const { erased, missing } = known.facts;
  const gone = new Set([...erased, ...missing]);
  const held = await digestsHeld(known, share);
  const sizes = new Map<string, number>();
  for (const [device, { records }] of known.logs) {
    for (const { blob, seq } of records) {
      if (blob === null) continue;
      const there = held.get(blob.sha256);
      if ((there === undefined) !== gone.has(blob.sha256)) {
        throw new Refuted("its blob is absent unexplained", device, seq);
      }
      if (there !== undefined && there.digest !== blob.sha256) {
        throw new Refuted(changed(blob.sha256), device, seq);
      }
      const size = sizes.get(blob.sha256) ?? there?.size ?? blob.size;
      if (size !== blob.size) throw new Refuted("its blob has another size", device, seq);
      sizes.set(blob.sha256, size);
    }
  }
  const listed = held.size + erased.length + missing.length;
  const named = [...held.keys(), ...gone].every((digest) => sizes.has(digest));
  if (sizes.size !== listed || !named) throw new Refuted("there are blobs that no record names");
  const logged = new Set(known.ofKind("erased").flatMap((each) => textsIn(fact(each, "sha256"))));
  if (erased.some((digest) => !logged.has(digest))) {
    throw new Refuted("pictures are gone that the server's log does not say were erased");
  }
  return `${held.size} held, ${erased.length} erased, ${missing.length} never arrived`;
}

/** A device that names a root of the server's log wrote after it; and before its receipt. */
function beats(known: Known): string {
  const { leaves } = known.log(SERVER_DEVICE);
  const found: { size: number; root: Json; device: string; seq: number }[] = [];
  for (const device of known.facts.devices.keys()) {
    for (const record of known.log(device).records) {
      if (record.kind !== "beat") continue;
      const [size, root] = [fact(record, "size"), fact(record, "root")];
      if (typeof size !== "number" || size <= 0 || size > leaves.length) {
        throw new Refuted("the server's log was never that long", device, record.seq);
      }
      found.push({ size, root, device, seq: record.seq });
    }
  }
  found.sort((a, b) => a.size - b.size || order(a.device, b.device) || a.seq - b.seq);
  let frontier = new Frontier();
  for (const { size, root, device, seq } of found) {
    frontier = frontier.extended(leaves.slice(frontier.size, size));
    if (hex(frontier.root()) !== root) {
      throw new Refuted("the server's log never had that root", device, seq);
    }
  }
  return `${counted(found.length, "root")} of the server's log, each found in it`;
}

function order(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

function submissions(known: Known): string {
  let answers = 0;
  for (const device of known.facts.devices.keys()) {
    const { lines, records } = known.log(device);
    const digestAt = digestsOf(lines);
    for (const record of records) {
      if (record.kind !== "submission") continue;
      for (const answer of objectsIn(fact(record, "answers"))) {
        const seq = fact(answer, "seq");
        const named = typeof seq === "number" ? records[seq] : undefined;
        if (named === undefined || named.seq >= record.seq) {
          throw new Refuted("names no earlier record", device, record.seq);
        }
        const whole =
          named.kind === "answer" &&
          same(fact(named, "item"), fact(answer, "item")) &&
          digestAt(named.seq) === fact(answer, "sha256");
        if (!whole) throw new Refuted("hands in another answer", device, record.seq);
        answers += 1;
      }
    }
  }
  return `${counted(answers, "answer")} handed in, each as it was recorded`;
}

async function judgements(known: Known): Promise<string> {
  const flags = new Set<string>();
  for (const flag of known.ofKind("flag")) {
    if (fact(flag, "policy_sha256") !== known.facts.policy_sha256) {
      throw saidWrong("raised under another policy", flag);
    }
    for (const shown of objectsIn(fact(flag, "snapshots"))) {
      const blob = known.recordAt(fact(shown, "device"), fact(shown, "seq"))?.blob;
      if (!blob || blob.sha256 !== fact(shown, "sha256")) {
        throw saidWrong("shows a snapshot that was not taken", flag);
      }
    }
    textsIn([fact(flag, "flag")]).forEach((name) => flags.add(name));
  }
  const verdicts = known.ofKind("verdict");
  for (const verdict of verdicts) {
    if (isEmpty(fact(verdict, "by")) || isEmpty(fact(verdict, "reasons"))) {
      throw saidWrong("a verdict without a person or a reason", verdict);
    }
    const judged = objectsIn(fact(verdict, "flags")).map((each) => fact(each, "flag"));
    if (judged.some((flag) => typeof flag !== "string" || !flags.has(flag))) {
      throw saidWrong("judges a flag that was not raised", verdict);
    }
  }
  for (const fork of known.ofKind("fork")) {
    if (!(await showsFork(known, fork))) throw saidWrong("a fork that no device signed", fork);
  }
  return `${flags.size} flags, ${verdicts.length} verdicts, all on records in the bundle`;
}

/** Whether a record shows two notes that one device of the session signed, and a fork. */
async function showsFork(known: Known, fork: RecordLine): Promise<boolean> {
  const notes = textsIn(fact(fork, "notes"));
  for (const [device, encoded] of known.facts.devices) {
    const log = { key: VerifierKey.parse(encoded), origin: known.origin(device) };
    let signed: Checkpoint[];
    try {
      signed = await Promise.all(notes.map((note) => openCheckpoint(Note.parse(utf8(note)), log)));
    } catch (error) {
      if (!(error instanceof EvidenceError)) throw error;
      continue;
    }
    const [one, other, ...more] = signed;
    return one !== undefined && other !== undefined && more.length === 0 && isFork(one, other);
  }
  return false;
}
