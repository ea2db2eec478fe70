/**
 * What may be used in a section, from the policy as the server sends it.
 *
 * The twin of `proctor/domain/resource_words.py`.
 */

import { room } from "../text/room";
import { fieldsOf } from "./items";

export interface Site {
  name: string;
  url: string;
}

export interface Resource {
  words: string;
  /** Of a website: where it is. */
  sites: Site[];
  /** How many of the sites one learner may use. */
  choose: number;
}

export function resourcesFor(
  policy: Readonly<Record<string, unknown>>,
  section: string,
): Resource[] {
  const allowed = policy["allow"];
  return (Array.isArray(allowed) ? allowed : []).flatMap((one) => {
    const thing = fieldsOf(one);
    const sections = thing["sections"];
    const holds = !Array.isArray(sections) || sections.length === 0 || sections.includes(section);
    return holds ? [resource(thing)] : [];
  });
}

function resource(thing: Record<string, unknown>): Resource {
  const sites = thing["kind"] === "website" ? sitesOf(thing["of"]) : [];
  const choose = Math.min(number(thing["choose"], sites.length), sites.length);
  return { words: wordsOf(thing, sites, choose), sites, choose };
}

function wordsOf(thing: Record<string, unknown>, sites: Site[], choose: number): string {
  const say = room.resource;
  switch (thing["kind"]) {
    case "paper":
      return say.paper(
        number(thing["sheets"], 1),
        number(thing["sides"], 2),
        thing["must_be"] === "blank",
      );
    case "writing":
      return say.writing(thing["pen"] === true, thing["pencil"] === true);
    case "website":
      return say.websites(sites.length, choose);
    case "software":
      return say.software(text(thing["name"]));
    case "calculator":
      return say.calculator(text(thing["model"]));
    case "book":
      return say.book(text(thing["title"]));
    case "notes":
      return say.notes(number(thing["sheets"], 0), thing["must_be"] === "handwritten");
    default:
      return text(thing["name"]) || text(thing["kind"]);
  }
}

/** Only what a link may lead to: a policy is the course team's, a browser believes any address. */
function sitesOf(value: unknown): Site[] {
  return (Array.isArray(value) ? value : []).flatMap((one) => {
    const { name, url } = fieldsOf(one);
    const address = text(url);
    if (!/^https?:\/\//.test(address)) return [];
    return [{ name: text(name) || address, url: openable(address) }];
  });
}

/** `*.example.org` stands for a host and all below it; a link leads to the host itself. */
function openable(address: string): string {
  return address.replace("://*.", "://");
}

function number(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The sites of a resource that can still be opened, when some were before. */
export function stillOpen(thing: Resource, chosen: readonly string[]): Site[] {
  const used = thing.sites.filter(({ url }) => chosen.includes(url));
  return used.length < thing.choose ? thing.sites : used;
}
