/** Writes the reader's own link into the command, ready to be copied. */

const command = document.getElementById("take");
if (command !== null) command.textContent = `proctor-client take ${location.href}`;
