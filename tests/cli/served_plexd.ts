import { assertListed } from "./listed_exit.ts";
import { plexdCommand } from "./run_plexd.ts";

/** A plexd process that runs until it is stopped, watched through its output. */
export class ServedPlexd implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  readonly #args: readonly string[];
  #output = "";
  #over = false;
  #ended = false;
  #changed = Promise.withResolvers<void>();

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    this.#args = args;
    const [program, ...words] = plexdCommand(args);
    this.#process = new Deno.Command(program!, {
      args: words,
      // The runtime's own look for a newer one would go through a test's proxy.
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#process.status.then(() => this.#ended = true);
    this.#reading = Promise.all([
      this.#read(this.#process.stdout),
      this.#read(this.#process.stderr),
    ]).then(() => {
      this.#over = true;
      this.#wake();
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Everything it has written, to standard output and error alike. */
  get output(): string {
    return this.#output;
  }

  /** Waits until it has written something, without looking at a clock. */
  async writes(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#output);
      if (found) return found;
      if (this.#over) throw new Error(`It ended without it: ${this.#output}`);
      await this.#changed.promise;
    }
  }

  /** Sends a signal that it does not end by. */
  signal(name: "SIGHUP" | "SIGUSR2"): void {
    this.#process.kill(name);
  }

  /** @returns its exit code. */
  async stop(
    how: "SIGTERM" | "SIGINT" | "SIGKILL" | "stdin",
  ): Promise<number> {
    if (how === "stdin") await this.#process.stdin.close();
    else this.#process.kill(how);
    return await this.ends();
  }

  /** Waits until it has ended. @returns its exit code. */
  async ends(): Promise<number> {
    const { code } = await this.#process.status;
    await this.#reading;
    assertListed(this.#args, code);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.#process.kill("SIGKILL");
    await this.#reading;
    await this.#process.status;
    await this.#process.stdin.close().catch(() => {});
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#output += text;
      this.#wake();
    }
  }

  #wake() {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
