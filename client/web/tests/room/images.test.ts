import { expect, it } from "vitest";
import { Images } from "../../src/room/images";

const SHA256 = "0f".repeat(32);

it("no address is left that the browser would ask for by itself", () => {
  const html = `<p>&lt;img src="sha256:${SHA256}"&gt; <img alt="a die" src="sha256:${SHA256}"></p>`;
  expect(Images.quiet(html)).toBe(
    `<p>&lt;img src="sha256:${SHA256}"&gt; <img alt="a die" data-src="sha256:${SHA256}"></p>`,
  );
});
