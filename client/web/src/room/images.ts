/**
 * Images of items: their HTML says `<img src="sha256:…">`, and the bytes need the device's token,
 * which an `<img>` can't send.
 */

const SOURCE = /^sha256:([0-9a-f]{64})$/;

/** What a section's images were fetched as, for as long as the page lives. */
export class Images {
  readonly #fetch: (sha256: string) => Promise<Blob>;
  readonly #urls = new Map<string, Promise<string>>();

  constructor(fetch: (sha256: string) => Promise<Blob>) {
    this.#fetch = fetch;
  }

  /** The same HTML, asking the browser for no address that it does not know. */
  static quiet(html: string): string {
    return html.replace(/(<img\b[^>]*?)\ssrc="sha256:/g, '$1 data-src="sha256:');
  }

  /** Fills in the images of what was made from quiet HTML. */
  fill(box: ParentNode): void {
    for (const image of box.querySelectorAll<HTMLImageElement>("img[data-src]")) {
      const sha256 = SOURCE.exec(image.dataset["src"] ?? "")?.[1];
      if (sha256 === undefined) continue;
      this.#url(sha256).then(
        (url) => (image.src = url),
        () => undefined, // its words stand in its place; the next look at the question asks again
      );
    }
  }

  close(): void {
    for (const url of this.#urls.values()) {
      url.then(
        (made) => URL.revokeObjectURL(made),
        () => undefined, // never made
      );
    }
    this.#urls.clear();
  }

  #url(sha256: string): Promise<string> {
    let url = this.#urls.get(sha256);
    if (url === undefined) {
      url = this.#fetch(sha256).then((blob) => URL.createObjectURL(blob));
      this.#urls.set(sha256, url);
      url.catch(() => this.#urls.delete(sha256));
    }
    return url;
  }
}
