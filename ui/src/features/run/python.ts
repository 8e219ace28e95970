/** Python source in coloured pieces: enough to read by, no parser. Text stays text. */

export type Token = { kind: "plain" | "comment" | "string" | "number" | "keyword" | "decorator" | "name"; text: string };

const KEYWORDS =
  "and|as|assert|async|await|break|case|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|match|nonlocal|not|or|pass|raise|return|try|while|with|yield|None|True|False";

const PIECE = new RegExp(
  [
    "(?<comment>#[^\\n]*)",
    "(?<string>(?:\\b[rbuftRBUFT]{1,2})?(?:\"\"\"[\\s\\S]*?(?:\"\"\"|$)|'''[\\s\\S]*?(?:'''|$)|\"(?:\\\\.|[^\"\\\\\\n])*\"?|'(?:\\\\.|[^'\\\\\\n])*'?))",
    "(?<decorator>^[ \\t]*@[\\w.]+)",
    "(?<name>(?<=\\b(?:def|class)[ \\t]+)\\w+)",
    `(?<keyword>(?<![\\w.])(?:${KEYWORDS})(?!\\w))`,
    "(?<number>(?<![\\w.])(?:0[xXoObB][\\da-fA-F_]+|\\d[\\d_]*(?:\\.[\\d_]*)?(?:[eE][+-]?\\d+)?j?))",
  ].join("|"),
  "gm",
);

export function tokens(source: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  for (const match of source.matchAll(PIECE)) {
    const text = match[0];
    if (!text) continue;
    if (match.index > at) found.push({ kind: "plain", text: source.slice(at, match.index) });
    const kind = Object.entries(match.groups ?? {}).find(([, value]) => value !== undefined)?.[0] as Token["kind"];
    found.push({ kind, text });
    at = match.index + text.length;
  }
  if (at < source.length) found.push({ kind: "plain", text: source.slice(at) });
  return found;
}
