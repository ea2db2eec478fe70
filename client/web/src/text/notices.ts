/** The words of the notices that all pages share, in English: none of a page's own comes with them. */

export const notices = {
  again: "Try again",
  waiting: (what: string) => `Waiting for ${what} …`,
};
