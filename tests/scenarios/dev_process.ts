import { plexdCommand } from "../cli/run_plexd.ts";

/** What `plexd dev` tells about where things are. */
export interface DevPlaces {
  readonly socket: string;
  readonly secretsSocket: string;
  readonly adminUrl: string;
  readonly adminTokenFile: string;
  readonly root: string;
}

/** Far more than anything here takes. */
const GIVE_UP_MS = 60_000;

/** A running `plexd dev`, watched through what it prints. */
export class DevProcess {
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  readonly ended: Promise<Deno.CommandStatus>;
  #output = "";
  #over = false;
  #changed = Promise.withResolvers<void>();

  private constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ) {
    const [program, ...words] = plexdCommand(["dev", ...args]);
    this.#process = new Deno.Command(program!, {
      args: words,
      // The runtime's own look for a newer version is none of plexd's calls.
      env: { DENO_NO_UPDATE_CHECK: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#reading = this.#read();
    this.ended = this.#process.status;
  }

  static start(
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): DevProcess {
    return new DevProcess(args, env);
  }

  get output(): string {
    return this.#output;
  }

  /**
   * Waits until it has printed something.
   *
   * @throws {Error} with its output when it ends without, or after a minute: a
   * test that waits for ever would hide what went wrong.
   */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = performance.now() + GIVE_UP_MS;
    for (;;) {
      const found = pattern.exec(this.#output);
      if (found) return found;
      if (this.#over) throw new Error(`It ended without it: ${this.#output}`);
      const late = Promise.withResolvers<never>();
      const timer = setTimeout(
        () => late.reject(new Error(`It never printed it: ${this.#output}`)),
        deadline - performance.now(),
      );
      await Promise.race([this.#changed.promise, late.promise])
        .finally(() => clearTimeout(timer));
    }
  }

  /** Waits until everything is up. */
  async places(): Promise<DevPlaces> {
    await this.prints(/Live from the agent/);
    const line = (pattern: RegExp) => pattern.exec(this.#output)?.[1] ?? "";
    const adminTokenFile = line(/its token in {2}(\S+)/);
    return {
      socket: line(/^Local API +(\/\S+)/m),
      secretsSocket: line(/with secrets +(\S+)/),
      adminUrl: line(/Admin API +(\S+)/),
      adminTokenFile,
      root: adminTokenFile.replace("/control-plane/admin-token", ""),
    };
  }

  async signal(name: Deno.Signal): Promise<Deno.CommandStatus> {
    this.#process.kill(name);
    const status = await this.ended;
    await this.#reading;
    return status;
  }

  async #read() {
    const text = this.#process.stdout.pipeThrough(new TextDecoderStream());
    for await (const piece of text) {
      this.#output += piece;
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
    this.#over = true;
    this.#changed.resolve();
  }
}

/** Runs a shell line as a person would paste it. */
export async function shell(line: string): Promise<string> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", line] })
    .output();
  return new TextDecoder().decode(stdout);
}

/** Processes whose command line mentions `text`. */
export function processesWith(text: string): number[] {
  return [...Deno.readDirSync("/proc")]
    .filter((entry) => /^\d+$/.test(entry.name))
    .filter((entry) => {
      try {
        return Deno.readTextFileSync(`/proc/${entry.name}/cmdline`)
          .includes(text);
      } catch {
        return false;
      }
    })
    .map((entry) => Number(entry.name));
}
