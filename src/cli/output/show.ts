import { CommandError, EXIT, type Invocation } from "../command.ts";
import { indentJson } from "../indent_json.ts";
import { OUTPUT_FORMS, type OutputForm } from "./forms.ts";
import type { Screen } from "./screen.ts";

/** One answer of a reading command, in all its forms. */
export interface Shown {
  /** The stable form for programs: JSON text, as it came or as it was made. */
  readonly json: string;
  /** The form for people; an empty text prints nothing. */
  readonly table: (screen: Screen) => string | Promise<string>;
  /** The form when none is asked for. @default {"table"} */
  readonly usual?: OutputForm;
}

/** The form that a command line asks for. */
export function outputForm(
  { flags }: Pick<Invocation, "flags">,
  usual: OutputForm = "table",
): OutputForm {
  return OUTPUT_FORMS.find((form) => form === flags["--output"]) ?? usual;
}

/**
 * The form of a command that prints a line for each thing as it happens.
 *
 * @param what It is called in the error.
 * @throws {CommandError} for YAML, which is one document.
 */
export function lineForm(
  { flags }: Pick<Invocation, "flags">,
  what: string,
): "table" | "json" {
  const form = outputForm({ flags });
  if (form !== "yaml") return form;
  throw new CommandError(
    EXIT.wrongUsage,
    `${what} prints lines: --output is table or json`,
  );
}

/** Prints the answer of a reading command as `--output` asks. */
export async function show(
  invocation: Pick<Invocation, "flags" | "print" | "screen">,
  { json, table, usual }: Shown,
): Promise<void> {
  const { print, screen } = invocation;
  const form = outputForm(invocation, usual);
  if (form === "json") {
    print(indentJson(json));
    return;
  }
  if (form === "yaml") {
    const { yamlText } = await import("./yaml_text.ts");
    print(await yamlText(json));
    return;
  }
  const text = await table(screen);
  if (text !== "") print(text);
}
