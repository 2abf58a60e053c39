import { TextLineStream } from "./text_lines.ts";
import type { Clock } from "../../platform/clock.ts";
import { selfCommand } from "./self_command.ts";

/** Lines kept for the moment something goes wrong. */
const KEPT_LINES = 40;

/** Options for {@linkcode Child.start}. */
export interface ChildOptions {
  /** Shown in messages: `agent`, `control plane` or `message bus`. */
  readonly name: string;
  /** What is started. @default {this same program} */
  readonly command?: readonly [program: string, ...args: string[]];
  /** Its arguments. Never a token or key: everyone can read them. */
  readonly args: readonly string[];
  readonly onOutput?: (line: string) => void;
  readonly onLog?: (line: string) => void;
}

/**
 * Another process, mostly of this same program.
 *
 * It holds the reading end of a pipe whose writing end is ours and stays
 * silent: when this process dies, in whatever way, the pipe closes and the
 * child ends by itself.
 */
export class Child {
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  readonly #lines: string[] = [];
  /** Settles when the process has ended. */
  readonly ended: Promise<Deno.CommandStatus>;
  #running = true;

  private constructor(readonly options: ChildOptions) {
    const [program, ...args] = options.command ?? selfCommand();
    this.#process = new Deno.Command(program, {
      args: [...args, ...options.args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#reading = Promise.all([
      this.#read(this.#process.stdout, options.onOutput),
      this.#read(this.#process.stderr, options.onLog),
    ]);
    this.ended = this.#process.status.then(async (status) => {
      this.#running = false;
      await this.#reading;
      await this.#process.stdin.close().catch(() => {});
      return status;
    });
  }

  static start(options: ChildOptions): Child {
    return new Child(options);
  }

  get pid(): number {
    return this.#process.pid;
  }

  get running(): boolean {
    return this.#running;
  }

  /** The last lines it wrote, oldest first. */
  get lastLines(): readonly string[] {
    return this.#lines;
  }

  /** SIGKILL, as a crash or the kernel would do it. */
  async kill(): Promise<void> {
    this.#signal("SIGKILL");
    await this.ended;
  }

  /**
   * SIGTERM, and SIGKILL for one that has not ended after `graceMs`.
   *
   * @returns whether it ended by itself with exit code 0.
   */
  async stop(clock: Clock, graceMs = 15_000): Promise<boolean> {
    this.#signal("SIGTERM");
    const over = new AbortController();
    const late = clock.sleep(graceMs, over.signal).then(
      () => this.#signal("SIGKILL"),
      () => {},
    );
    const status = await this.ended;
    over.abort();
    await late;
    return status.success;
  }

  #signal(signal: Deno.Signal) {
    if (!this.#running) return;
    try {
      this.#process.kill(signal);
    } catch {
      // It ended between the check and the signal; `ended` tells.
    }
  }

  async #read(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    onLine: ((line: string) => void) | undefined,
  ) {
    const text = stream.pipeThrough(new TextDecoderStream());
    for await (const line of text.pipeThrough(new TextLineStream())) {
      this.#lines.push(line);
      if (this.#lines.length > KEPT_LINES) this.#lines.shift();
      onLine?.(line);
    }
  }
}
