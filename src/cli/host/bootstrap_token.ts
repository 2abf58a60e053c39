import type { TokenSource } from "../../host/prepare_node.ts";
import { TokenError, validateToken } from "../../sync/token_sources.ts";
import { CommandError, EXIT, type Invocation } from "../command.ts";
import { readStdin } from "../read_stdin.ts";

const VARIABLE = "PLEXD_BOOTSTRAP_TOKEN";

/** More than any token and the blanks around it. */
const MAX_BYTES = 4096;

/**
 * Where the one-time token of an installation comes from: a file, the
 * environment, or whoever sits at the terminal, who is asked only when it is
 * needed. Never a command line, which every user of the machine can read.
 *
 * @throws {CommandError} for a file that cannot be read, or that holds no token.
 */
export async function bootstrapToken(
  { flags }: Pick<Invocation, "flags">,
): Promise<TokenSource> {
  const variable = Deno.env.get(VARIABLE) ?? "";
  // Programs that are run from here would find it.
  Deno.env.delete(VARIABLE);
  const file = flags["--token-file"];
  if (typeof file === "string") {
    const text = file === "-"
      ? await readStdin(MAX_BYTES)
      : await readFrom(file);
    const name = file === "-" ? "standard input" : file;
    const token = valid(text, name);
    if (token !== undefined) return () => token;
    throw new CommandError(
      EXIT.failed,
      `${name} holds no token`,
      "an operator of the control plane issues one-time tokens",
    );
  }
  const given = valid(variable, `the variable ${VARIABLE}`);
  return (mayAsk) => given ?? (mayAsk ? askTerminal() : undefined);
}

async function readFrom(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    throw new CommandError(
      EXIT.failed,
      `the token's file ${file} cannot be read`,
      "is the name right, and may this user read it?",
      error,
    );
  }
}

function valid(text: string, source: string): string | undefined {
  try {
    return validateToken(text, source);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    throw new CommandError(
      EXIT.failed,
      error.message,
      "paste the token as the control plane has issued it",
    );
  }
}

/**
 * Asks at the terminal, without an echo. Standard input may be the script that
 * runs this.
 */
function askTerminal(): string | undefined {
  if (!Deno.stderr.isTerminal()) return undefined;
  let terminal: Deno.FsFile;
  try {
    terminal = Deno.openSync("/dev/tty", { read: true, write: true });
  } catch {
    return undefined;
  }
  using open = terminal;
  const say = (text: string) => open.writeSync(new TextEncoder().encode(text));
  say("One-time token of this node (Enter for none, it is not shown): ");
  open.setRaw(true);
  try {
    return valid(readLine(open), "the terminal");
  } finally {
    open.setRaw(false);
    say("\n");
  }
}

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const BACKSPACES = [0x08, 0x7f];
const LINE_ENDS = [0x0a, 0x0d, CTRL_D];

function readLine(terminal: Deno.FsFile): string {
  const bytes: number[] = [];
  const one = new Uint8Array(1);
  while (terminal.readSync(one) !== null) {
    const byte = one[0]!;
    if (byte === CTRL_C) {
      throw new CommandError(EXIT.failed, "interrupted", "run it again");
    }
    if (LINE_ENDS.includes(byte)) break;
    if (BACKSPACES.includes(byte)) bytes.pop();
    else if (bytes.length < MAX_BYTES) bytes.push(byte);
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
