/** Words of the step in which face and document are shown once more. In English. */

export const again = {
  taken: (count: number) =>
    count === 1 ? "The new picture is saved." : "The new pictures are saved.",
  send: "Send the new pictures",
  close: "You may close this and go on: they are sent as soon as the exam server can be reached.",
};
