/** The arranged lines as a program; a part without lines is as in the stub. */
export function compose({ rows, indents, tiles }, placed) {
  const lines = rows.flatMap((row) => {
    if (typeof row === "string") return [row];
    const texts = placed[row].length ? placed[row].map((number) => tiles[number].text) : ["raise NotImplementedError"];
    return texts.flatMap((text) => text.split("\n")).map((line) => " ".repeat(indents[row]) + line);
  });
  return lines.join("\n") + "\n";
}
