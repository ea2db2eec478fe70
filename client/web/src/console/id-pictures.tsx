import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";
import type { Box, IdDesk, PictureRef } from "../api";
import { desk as words } from "../text/desk";
import { identity } from "../text/identity";
import { Dialog } from "../ui/dialog";
import { BoxedPicture } from "./boxed-picture";
import type { IdentityDesk, Large } from "./identity-desk";
import type { Looks, Shown } from "./looks";

/** Around a portrait, as a part of its size: hair and chin belong to a face. */
const MARGIN = 0.35;

interface Props {
  desk: IdentityDesk;
  check: IdDesk;
}

/** What was shown before these pictures: whether it is the same person is for people to see. */
export function IdBefore({ desk, check }: Props) {
  const { session, before } = check;
  if (before === null) return null;
  const { large, altBefore } = identity.check;
  return (
    <section class="id-before" aria-labelledby="id-before">
      <h2 id="id-before">{identity.check.before}</h2>
      <p>{identity.check.beforeWas(before.state, before.by)}</p>
      <div class="id-pictures">
        {(["document", "face"] as const).map((which) => {
          const picture = before[which];
          if (picture === null) return null;
          return (
            <figure key={which} class={which}>
              <Whole looks={desk.looks} session={session} picture={picture} alt={altBefore[which]} box={null} />
              <figcaption>
                <strong>{large[which]}</strong>{" "}
                <Again looks={desk.looks} session={session} picture={picture} />
              </figcaption>
            </figure>
          );
        })}
      </div>
    </section>
  );
}

/** Document, the portrait on it and the live face, side by side; each can be enlarged. */
export function IdPictures({ desk, check }: Props) {
  const { session, face, document, portrait } = check;
  const { alt, noDocument, documentOwed, noFace, noPortrait, outlined } = identity.check;
  const asked = check.reading !== null;
  const large = desk.large.value;
  return (
    <section class="id-pictures" aria-label={identity.check.pictures}>
      <Shown
        desk={desk}
        which="document"
        session={session}
        picture={document}
        none={asked ? documentOwed : noDocument}
        hint={portrait === null ? undefined : outlined}
      >
        {document !== null && (
          <Whole looks={desk.looks} session={session} picture={document} alt={alt.document} box={portrait} />
        )}
      </Shown>
      <Shown desk={desk} which="portrait" session={session} picture={document} none={asked ? noPortrait : noDocument}>
        {document !== null && portrait !== null && (
          <Crop looks={desk.looks} session={session} picture={document} alt={alt.portrait} box={portrait} />
        )}
      </Shown>
      <Shown desk={desk} which="face" session={session} picture={face} none={noFace}>
        {face !== null && <Whole looks={desk.looks} session={session} picture={face} alt={alt.face} box={null} />}
      </Shown>
      <Dialog
        open={large !== null}
        wide
        heading={large === null ? "" : identity.check.large[large]}
        onClose={() => (desk.large.value = null)}
      >
        {large === "portrait" && document !== null && portrait !== null && (
          <Crop looks={desk.looks} session={session} picture={document} alt={alt.portrait} box={portrait} />
        )}
        {large === "document" && document !== null && (
          <Whole looks={desk.looks} session={session} picture={document} alt={alt.document} box={portrait} />
        )}
        {large === "face" && face !== null && (
          <Whole looks={desk.looks} session={session} picture={face} alt={alt.face} box={null} />
        )}
        <footer>
          <Again
            looks={desk.looks}
            session={session}
            picture={large === null ? null : large === "face" ? face : document}
          />
          <button type="button" onClick={() => (desk.large.value = null)}>
            {identity.check.close}
          </button>
        </footer>
      </Dialog>
    </section>
  );
}

const KEYS: Record<Large, string> = { document: "d", portrait: "i", face: "f" };

interface ShownProps {
  desk: IdentityDesk;
  which: Large;
  session: string;
  picture: PictureRef | null;
  none: string;
  hint?: string | undefined;
  /** False where there is no such picture. */
  children: ComponentChild;
}

function Shown({ desk, which, session, picture, none, hint, children }: ShownProps) {
  const name = identity.check.large[which];
  return (
    <figure class={which}>
      {children === false ? (
        <p class="frame absent">{none}</p>
      ) : (
        <button
          type="button"
          class="enlarge"
          aria-label={identity.check.enlarge(name)}
          aria-keyshortcuts={KEYS[which]}
          onClick={() => desk.enlarge(which)}
        >
          {children}
        </button>
      )}
      <figcaption>
        <strong>{name}</strong> {hint !== undefined && <small>{hint}</small>}
        {children !== false && <Again looks={desk.looks} session={session} picture={picture} />}
      </figcaption>
    </figure>
  );
}

interface PictureProps {
  looks: Looks;
  session: string;
  picture: PictureRef;
  alt: string;
}

/** A whole picture, with a box drawn into it where there is one. */
function Whole({ looks, session, picture, alt, box }: PictureProps & { box: Box | null }) {
  const shown = looks.picture(session, picture.sha256).value;
  if (shown.is !== "there") return <NotThere shown={shown} />;
  const boxes = box === null ? [] : [box];
  return <BoxedPicture url={shown.url} alt={alt} boxes={boxes} broken={identity.check.broken} />;
}

/** A part of a picture: the whole of it is fetched once, and the browser shows the part. */
function Crop({ looks, session, picture, alt, box }: PictureProps & { box: Box }) {
  const [broken, setBroken] = useState<string | null>(null);
  const shown = looks.picture(session, picture.sha256).value;
  if (shown.is !== "there") return <NotThere shown={shown} />;
  if (broken === shown.url) return <span class="frame absent">{identity.check.broken}</span>;
  const [dx, dy] = [box.width * MARGIN, box.height * MARGIN];
  const [x, y, width, height] = [box.x - dx, box.y - dy, box.width + 2 * dx, box.height + 2 * dy];
  const viewBox = [x, y, width, height].join(" ");
  return (
    <span class="frame">
      <svg role="img" aria-label={alt} viewBox={viewBox}>
        {/* The inner one cuts: the outer one has room at its sides. */}
        <svg {...{ x, y, width, height, viewBox }}>
          <image href={shown.url} onError={() => setBroken(shown.url)} />
        </svg>
      </svg>
    </span>
  );
}

/** Fetches a picture once more that did not come: beside what enlarges it, no button in a button. */
function Again({ looks, session, picture }: Omit<PictureProps, "picture" | "alt"> & {
  picture: PictureRef | null;
}) {
  if (picture === null || looks.picture(session, picture.sha256).value.is !== "failed") return null;
  return (
    <button type="button" class="quiet" onClick={() => looks.again(session, picture.sha256)}>
      {words.picture.again}
    </button>
  );
}

/** A picture that is on its way, or that could not be had. */
function NotThere({ shown }: { shown: Exclude<Shown, { is: "there" }> }) {
  return (
    <span class={shown.is === "coming" ? "frame coming" : "frame absent"}>
      {shown.is === "coming" ? words.picture.coming : words.picture.failed[shown.why]}
    </span>
  );
}
