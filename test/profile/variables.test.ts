// Variables: what is replaced, what is left alone, and what is an error.
import fc from "fast-check";
import { createLookup, expandText } from "../../src/profile/variables.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { catchError } from "./directory.ts";

const test = suite("variables");

const environment = {
  HOME: "/home/alice",
  USER: "alice",
  EMPTY: "",
  NAME: "value",
  TRICK: "$NAME ${NAME} ~",
  PWD: "/wrong",
};
const lookup = createLookup({ environment, cwd: "/work" });
const expand = (text: string, isPath = false) => expandText(text, lookup, isPath);

test("a variable is replaced in either spelling", () => {
  assert.is(expand("$NAME"), "value");
  assert.is(expand("${NAME}"), "value");
  assert.is(expand("a$NAME/b${NAME}c"), "avalue/bvaluec");
  assert.is(expand("$EMPTY|"), "|");
});

test("what a variable holds is not looked into again", () => {
  assert.is(expand("$TRICK", true), "$NAME ${NAME} ~");
});

test("a default stands in for a variable that is unset or empty", () => {
  assert.is(expand("${NOPE:-x}"), "x");
  assert.is(expand("${EMPTY:-x}"), "x");
  assert.is(expand("${NAME:-x}"), "value");
  assert.is(expand("${NOPE:-}"), "");
  assert.is(expand("${NOPE:-$HOME/${NAME}}/z"), "/home/alice/value/z");
  assert.is(expand("${NOPE:-${NOPER:-$$}}"), "$");
  assert.is(expand("${NAME:-$NOPE}"), "value", "a default that isn't needed may name what is unset");
});

test("two dollars are one, and one that nothing follows stays", () => {
  assert.is(expand("$$NAME"), "$NAME");
  assert.is(expand("$$$NAME"), "$value");
  assert.is(expand("5$"), "5$");
  assert.is(expand("$1 $? $("), "$1 $? $(");
});

test("an unset variable is an error that says how to give a default", () => {
  const error = catchError(() => expand("a $NOPE"));
  assert.is(error.code, "variable_unset");
  assert.match(error.message, "uses $NOPE, which is not set");
  assert.match(error.hint ?? "", "${NOPE:-default}");
  assert.is(catchError(() => expand("$toString")).code, "variable_unset");
  assert.is(catchError(() => expand("$__proto__")).code, "variable_unset");
});

test("braces in another form are refused", () => {
  for (const bad of ["${", "${}", "${NAME", "${NAME-x}", "${NAME:-x", "${1}", "${NAME:=x}", "${NA ME}"]) {
    assert.is(catchError(() => expand(bad)).code, "profile_invalid", bad);
  }
  assert.is(catchError(() => expand("${A:-".repeat(1000) + "}".repeat(1000))).code, "profile_invalid");
});

test("a tilde is the home directory at the start of a path and nowhere else", () => {
  assert.is(expand("~", true), "/home/alice");
  assert.is(expand("~/x", true), "/home/alice/x");
  assert.is(expand("~bob/x", true), "~bob/x");
  assert.is(expand("/x/~", true), "/x/~");
  assert.is(expand("~/x", false), "~/x");
  assert.is(expandText("~/x", createLookup({ environment: { HOME: "/" }, cwd: "/" }), true), "/x");
});

test("PWD is the directory that tsjail is in, whatever the environment says", () => {
  assert.is(expand("$PWD"), "/work");
});

test("the XDG directories have their defaults, also where they are empty or relative", () => {
  assert.is(expand("$XDG_CONFIG_HOME"), "/home/alice/.config");
  assert.is(expand("$XDG_CACHE_HOME"), "/home/alice/.cache");
  assert.is(expand("$XDG_DATA_HOME $XDG_STATE_HOME"), "/home/alice/.local/share /home/alice/.local/state");
  assert.is(expand("$XDG_DATA_DIRS $XDG_CONFIG_DIRS"), "/usr/local/share/:/usr/share/ /etc/xdg");
  const given = (value: string) =>
    createLookup({ environment: { HOME: "/h", XDG_CACHE_HOME: value }, cwd: "/" })("XDG_CACHE_HOME");
  assert.is(given("/elsewhere"), "/elsewhere");
  assert.is(given("relative"), "/h/.cache");
  assert.is(given(""), "/h/.cache");
  assert.is(catchError(() => expand("$XDG_RUNTIME_DIR")).code, "variable_unset");
});

test("home and name come from the user database where the environment has none", () => {
  const account = () => ({ home: "/var/home/bob", user: "bob" });
  const bare = createLookup({ environment: { HOME: "" }, cwd: "/", account });
  assert.is(expandText("~ $USER $XDG_DATA_HOME", bare, true), "~ bob /var/home/bob/.local/share");
  assert.is(expandText("~", bare, true), "/var/home/bob");
  const nobody = createLookup({ environment: {}, cwd: "/", account: () => undefined });
  assert.is(catchError(() => expandText("~", nobody, true)).code, "variable_unset");
});

test("a text in which every dollar is doubled comes out as it was", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => expand(text.replaceAll("$", "$$$$")) === text),
  );
});

test("any text is either replaced or refused, and one without dollars is itself", () => {
  const piece = fc.oneof(
    fc.constantFrom("$", "{", "}", ":-", "NAME", "NOPE", "~", "/", "$$"),
    fc.string({ maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join("");
      try {
        const value = expand(text);
        if (!text.includes("$")) assert.is(value, text);
      } catch (error) {
        assert.is((error as Error).name, "TsjailError");
      }
    }),
  );
});
