/**
 * Where a run keeps its files and its processes. Closing it ends every process
 * and removes every file, whatever state the run is in.
 */
export class Workshop {
  /** A folder of this run's own, on the file system of `TMPDIR`. */
  readonly folder = Deno.makeTempDirSync({ prefix: "plexd-bench-" });
  readonly #running = new Set<Deno.ChildProcess>();
  #closing: Promise<void> | undefined;
  #next = 0;
  /** Compiled programs, by the script that they are made of. */
  readonly #programs = new Map<string, string>();

  /** A path inside the folder at which nothing is yet. */
  newPath(name: string): string {
    return `${this.folder}/${this.#next++}-${name}`;
  }

  /** From now on a compiled program runs in place of its script. */
  replace(script: string, program: string): void {
    this.#programs.set(script, program);
  }

  /** The compiled program that runs in place of a script. */
  programOf(script: string): string | undefined {
    return this.#programs.get(script);
  }

  /**
   * Starts a program of this repository. Its standard input stays open for as
   * long as this process lives: its end tells the program to go.
   *
   * @param script Path below the repository's root.
   */
  start(
    script: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Process {
    if (this.#closing) throw new Error("The run is over");
    const program = this.#programs.get(script);
    const source = ["run", "-A", "--no-prompt", fromRoot(script)];
    const process = new Deno.Command(program ?? Deno.execPath(), {
      args: [...(program === undefined ? source : []), ...args],
      env: { ...inherited(), ...env, NO_COLOR: "1" },
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#running.add(process);
    return new Process(script, process, () => this.#running.delete(process));
  }

  /** Runs a program to its end. @returns what it wrote to standard output. */
  async run(script: string, args: readonly string[]): Promise<string> {
    return await this.start(script, args).output();
  }

  /** Resolves when nothing of the run is left. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close() {
    const running = [...this.#running];
    for (const process of running) kill(process, "SIGKILL");
    await Promise.all(running.map((process) => process.status));
    removeFolder(this.folder);
  }
}

/** A program that was started. */
export class Process {
  readonly #script: string;
  readonly #process: Deno.ChildProcess;
  readonly #ended: Promise<Deno.CommandStatus>;
  readonly #stdout: Promise<string>;
  readonly #stderr: Promise<string>;

  constructor(script: string, process: Deno.ChildProcess, gone: () => void) {
    this.#script = script;
    this.#process = process;
    this.#stdout = new Response(process.stdout).text();
    this.#stderr = new Response(process.stderr).text();
    this.#ended = process.status.then(async (status) => {
      gone();
      await process.stdin.close().catch(() => {});
      return status;
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** What it wrote, once it has ended. @throws {Error} unless it went well. */
  async output(): Promise<string> {
    const { code } = await this.#ended;
    if (code === 0) return await this.#stdout;
    throw new Error(`${this.#script} failed: ${await this.#stderr}`);
  }

  /**
   * Resolves when `isReady` says so, asked every millisecond.
   *
   * @throws {Error} when the program has ended before.
   */
  async until(isReady: () => Promise<boolean>): Promise<void> {
    let ended = false;
    this.#ended.then(() => ended = true);
    while (!await isReady()) {
      if (ended) {
        throw new Error(`${this.#script} ended: ${await this.#stderr}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Asks it to go, and waits until it has gone. */
  async stop(): Promise<void> {
    kill(this.#process, "SIGTERM");
    await this.#ended;
  }
}

function fromRoot(path: string): string {
  return new URL(`../../${path}`, import.meta.url).pathname;
}

/** The environment without what would configure an agent. */
function inherited(): Record<string, string> {
  const names = Object.entries(Deno.env.toObject()).filter(([name]) =>
    !name.startsWith("PLEXD_") && name !== "CREDENTIALS_DIRECTORY"
  );
  return Object.fromEntries(names);
}

/**
 * Without waiting in between, so that nothing of this process writes to it. A
 * write of another thread may still come, hence more than one attempt.
 */
function removeFolder(path: string) {
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      return Deno.removeSync(path, { recursive: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
    }
  }
}

function kill(process: Deno.ChildProcess, signal: Deno.Signal) {
  try {
    process.kill(signal);
  } catch {
    // It has ended already.
  }
}
