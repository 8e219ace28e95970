import { describe, expect, it } from "vitest";

import { tokens } from "./python";

const kinds = (source: string) => tokens(source).filter((one) => one.kind !== "plain").map((one) => `${one.kind} ${one.text}`);

describe("coloured Python", () => {
  it("loses and changes nothing of the source", () => {
    const source = '@step(retries=2)\ndef fit(a: int = 0x1F) -> "X":\n    """Doc # not a comment\n    \'\'\'"""\n    return f"{a}\\"" # done\n';
    expect(tokens(source).map((one) => one.text).join("")).toBe(source);
  });
  it("tells the pieces apart", () => {
    expect(kinds("@step\ndef fit(x):\n    return 'a' + 1.5e3  # sum")).toEqual([
      "decorator @step",
      "keyword def",
      "name fit",
      "keyword return",
      "string 'a'",
      "number 1.5e3",
      "comment # sum",
    ]);
    expect(kinds("x.in_ = notin")).toEqual([]);
  });
  it("ends a string that is cut off", () => {
    expect(kinds('x = """open')).toEqual(['string """open']);
  });
});
