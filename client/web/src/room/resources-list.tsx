import { useState } from "preact/hooks";
import { room } from "../text/room";
import { Dialog } from "../ui/dialog";
import { Granted } from "./acts-told";
import { type Resource, resourcesFor, type Site, stillOpen } from "./resources";
import type { Running } from "./running";
import { leavingFor } from "./watch";

/** What may be used in this section. Leaving for a website from here is recorded as allowed. */
export function Resources({ running, section }: { running: Running; section: string }) {
  const things = resourcesFor(running.device.joined.policy, section);
  return (
    <section class="resources" aria-labelledby="resources-heading">
      <h2 id="resources-heading">{room.resources.heading}</h2>
      {things.length === 0 ? (
        <p>{room.resources.nothing}</p>
      ) : (
        <ul>
          {things.map((thing, at) => (
            <li key={at}>
              {thing.words}
              {thing.sites.length > 0 && <Sites running={running} thing={thing} />}
            </li>
          ))}
        </ul>
      )}
      <Granted running={running} />
    </section>
  );
}

function Sites({ running, thing }: { running: Running; thing: Resource }) {
  const [asked, setAsked] = useState<Site | null>(null);
  const chosen = running.notes.sites.value;
  const open = stillOpen(thing, chosen);

  function leave({ url }: Site) {
    running.notes.choose(url);
    leavingFor(url);
  }

  return (
    <>
      <ul>
        {thing.sites.map((site) => (
          <li key={site.url}>
            {open.includes(site) ? (
              <a
                href={site.url}
                target="_blank"
                rel="noopener noreferrer"
                onClick={(event) => {
                  // A choice that can't be taken back is asked for once.
                  if (thing.choose < thing.sites.length && !chosen.includes(site.url)) {
                    event.preventDefault();
                    setAsked(site);
                  } else leave(site);
                }}
              >
                {site.name} <span aria-hidden="true">↗</span>
                <span class="spoken">({room.resources.newTab})</span>
              </a>
            ) : (
              <span class="hint">{site.name}</span>
            )}
            {chosen.includes(site.url) && <small class="chosen">{room.resources.chosen}</small>}
          </li>
        ))}
      </ul>
      <Dialog open={asked !== null} heading={room.resources.heading2} onClose={() => setAsked(null)}>
        {asked !== null && (
          <>
            <p>{room.resources.choose(asked.name, thing.choose, thing.sites.length)}</p>
            <footer>
              <button type="button" class="secondary" onClick={() => setAsked(null)}>
                {room.resources.cancel}
              </button>
              <a
                class="as-button"
                href={asked.url}
                target="_blank"
                rel="noopener noreferrer"
                onClick={() => {
                  leave(asked);
                  setAsked(null);
                }}
              >
                {room.resources.open(asked.name)}
              </a>
            </footer>
          </>
        )}
      </Dialog>
    </>
  );
}
