/** Formulas in a line of text: a browser breaks the line between a formula and its full stop. */

/** The server puts each formula into a span without a class. */
const INLINE =
  /([([“‘"]*)(<span><math\b(?![^>]*\bdisplay="block")[^>]*>(?:(?!<\/math>).)*<\/math><\/span>)([)\]”’"%.,;:?!…]*)/gs;

/** The same HTML, with each formula held together with the brackets and stops that touch it. */
export function heldTogether(html: string): string {
  return html.replace(INLINE, (all, before: string, formula: string, after: string) =>
    before + after === "" ? all : `<span class="held">${before}${formula}${after}</span>`,
  );
}
