/** The words that lead to a rehearsal, in English. Another language is another file of this type. */

export const rehearse = {
  title: "The report of your rehearsal",
  first: "Rehearse first",
  what:
    "Three questions, the way of your exam, and a report on this computer: camera, light, network. It takes five minutes, nothing counts, and your exam's own link stays as it is.",
  begin: "Rehearse",
  again: "Rehearse again",
  starting: "a new rehearsal",
  problems: {
    "too-many-rehearsals": (again: string) =>
      `This link was rehearsed with 20 times within a day. The next rehearsal can begin at ${again}.`,
    "session-closed": "Your exam is over: there is nothing left to rehearse.",
    unreachable: "The exam server can't be reached. Try again in a moment.",
    other: "A new rehearsal can't begin now. Try again in a moment, or ask your course team.",
  },
};
