import { describe, expect, it } from "vitest";

import type { Param } from "~/api/types";

import { commandOf, errorsByName, fieldKind, fieldText } from "./fields";
import { median } from "./median";

const param = (more: Partial<Param>): Param => ({ name: "p", annotation: "", required: false, default: null, schema: {}, value: null, origin: null, dataset: false, secret: false, help: null, ...more });
const options = { env: null, executor: null, workers: null, cache: true };

describe("parameters as text", () => {
  it("writes values so that YAML reads the same value back", () => {
    expect([null, true, 0.5, "ridge", "1.0", "yes", "a: b", "", [1, 2], { a: 1 }].map(fieldText)).toEqual([
      "",
      "true",
      "0.5",
      "ridge",
      '"1.0"',
      '"yes"',
      '"a: b"',
      '""',
      "[1,2]",
      '{"a":1}',
    ]);
  });
  it("chooses the field by the type", () => {
    expect(fieldKind(param({ schema: { type: "boolean" } }))).toBe("bool");
    expect(fieldKind(param({ schema: { type: ["number", "null"] } }))).toBe("number");
    expect(fieldKind(param({ schema: { enum: ["a", "b"] } }))).toBe("choice");
    expect(fieldKind(param({ schema: { type: "object" } }))).toBe("long");
    expect(fieldKind(param({ secret: true, schema: { type: "string" } }))).toBe("secret");
    expect(fieldKind(param({}))).toBe("text");
  });
  it("lays errors beside their fields", () => {
    const error = (message: string) => ({ message, hint: null });
    const made = errorsByName([error("rate: 'fast' is not a number"), error("epochss: there is no such parameter")], ["rate", "epochs"]);
    expect([[...made.of.keys()], made.rest.map((one) => one.message)]).toEqual([["rate"], ["epochss: there is no such parameter"]]);
  });
  it("says the command that does the same", () => {
    expect(commandOf("training", { alpha: "0.1", names: "[a, b]" }, { ...options, env: "prod", workers: 2, cache: false })).toBe(
      "plait run training alpha=0.1 'names=[a, b]' --env prod --workers 2 --no-cache",
    );
    expect(commandOf("p", { t: "it's" }, options)).toBe("plait run p 't=it'\\''s'");
  });
});

it("knows the median", () => {
  expect([median([]), median([3]), median([4, 1, 2, 3])]).toEqual([null, 3, 2.5]);
});
