import { CommandError, EXIT } from "./command.ts";

/**
 * All of standard input.
 *
 * @throws {CommandError} when it is longer than `maxBytes` or no UTF-8.
 */
export async function readStdin(maxBytes: number): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let length = 0;
  for await (const bytes of Deno.stdin.readable) {
    length += bytes.length;
    if (length > maxBytes) throw wrong(`more than ${maxBytes} bytes`);
    text += decode(() => decoder.decode(bytes, { stream: true }));
  }
  return text + decode(() => decoder.decode());
}

function decode(step: () => string): string {
  try {
    return step();
  } catch {
    throw wrong("something else than UTF-8 text");
  }
}

function wrong(what: string): CommandError {
  return new CommandError(EXIT.wrongUsage, `standard input holds ${what}`);
}
