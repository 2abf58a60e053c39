import assert from "node:assert/strict";
import { surviveStrayFailures } from "../../src/platform/stray_failures.ts";
import { eventually } from "../scenarios/eventually.ts";
import { MemoryLog } from "./memory_log.ts";

/** A start takes some ten milliseconds; a busy machine takes longer. */
const START_LIMIT_MS = 30_000;

/** Below the ports that the kernel gives to outgoing connections. */
const FIRST_PORT = 20_000;
const PORTS = 12_000;

/**
 * Ends the server when this process ends, in whatever way: the shell holds the
 * reading end of a pipe whose writing end is ours. The first line on standard
 * output is the pid of the server itself.
 */
const SUPERVISED = `
exec 3<&0
nats-server "$@" 3<&- &
server=$!
echo "$server"
(read -r _ <&3; kill -9 "$server") 2>/dev/null &
watch=$!
wait "$server"
status=$?
kill "$watch" 2>/dev/null
exit "$status"
`;

/**
 * Whether tests that need a message bus can run. Where CI is "true" they must: a
 * missing nats-server fails them there.
 */
export function hasNatsServer(): boolean {
  try {
    new Deno.Command("nats-server", { args: ["--version"] }).outputSync();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const why = "nats-server is not installed (Debian package nats-server)";
    assert.notEqual(Deno.env.get("CI"), "true", why);
    // deno-lint-ignore no-console
    console.log(`left out: ${why}`);
    return false;
  }
}

/**
 * A real nats-server on a port of loopback and a folder of its own, which can
 * be killed and started again as it was.
 *
 * Its place is settled before it starts, since what it is configured with often
 * has to know its URL:
 *
 * ```ts
 * await using nats = new NatsServer();
 * await nats.start("jetstream: enabled");
 * await nats.kill();
 * await nats.start();
 * ```
 */
export class NatsServer implements AsyncDisposable {
  readonly port = freePort();
  readonly url = `nats://127.0.0.1:${this.port}`;
  readonly folder = Deno.makeTempDirSync({ prefix: "plexd-nats-" });
  /** What JetStream keeps; it stays from one start to the next. */
  readonly storeDir = `${this.folder}/store`;
  #config = "";
  #log = "";
  #running: Running | undefined;

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** What it has logged since it was started last. */
  get log(): string {
    return this.#log;
  }

  /**
   * Starts it and waits until it takes clients.
   *
   * @param config What its configuration file says; address and port of this
   * place hold, whatever it says of them. @default {as the last time}
   */
  async start(config = this.#config): Promise<void> {
    assert.equal(this.#running, undefined, "nats-server runs already");
    // A test's own clients may still be connected when it is killed.
    surviveStrayFailures(new MemoryLog());
    this.#config = config;
    this.#log = "";
    const file = `${this.folder}/nats-server.conf`;
    await Deno.writeTextFile(file, config);
    const place = ["-a", "127.0.0.1", "-p", String(this.port)];
    // The server takes it in one place only.
    if (!config.includes("store_dir")) place.push("-sd", this.storeDir);
    const process = new Deno.Command("sh", {
      args: ["-c", SUPERVISED, "sh", "-c", file, ...place],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const ready = Promise.withResolvers<void>();
    const { line: pid, over: told } = firstLine(process.stdout);
    const logged = this.#follow(process.stderr, ready.resolve);
    const all = Promise.all([process.status, logged, told]);
    const ended = all.then(async () => {
      this.#running = undefined;
      ready.reject(new Error(`nats-server did not start:\n${this.#log}`));
      await process.stdin.close().catch(() => {});
    });
    this.#running = { pid: Number(await pid), ended };
    const late = setTimeout(
      () => ready.reject(new Error(`nats-server is not ready:\n${this.#log}`)),
      START_LIMIT_MS,
    );
    try {
      await ready.promise;
    } catch (error) {
      await this.kill();
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  /** Waits until it has logged a line that matches. */
  async logs(pattern: RegExp): Promise<void> {
    await eventually(
      `nats-server logs ${pattern}`,
      () => pattern.test(this.#log) || undefined,
    );
  }

  /** SIGKILL, as a crash or the kernel would do it. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** SIGTERM, which has it close its connections and its store. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Has it read another configuration, as SIGHUP does. */
  async reload(config: string): Promise<void> {
    assert.ok(this.#running, "nats-server does not run");
    this.#config = config;
    await Deno.writeTextFile(`${this.folder}/nats-server.conf`, config);
    Deno.kill(this.#running.pid, "SIGHUP");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.folder, { recursive: true });
  }

  async #end(signal: Deno.Signal) {
    const running = this.#running;
    if (!running) return;
    try {
      Deno.kill(running.pid, signal);
    } catch {
      // It ended before the signal; `ended` tells.
    }
    await running.ended;
  }

  async #follow(stream: ReadableStream<Uint8Array>, isReady: () => void) {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      this.#log += decoder.decode(bytes, { stream: true });
      if (this.#log.includes("Server is ready")) isReady();
    }
  }
}

interface Running {
  readonly pid: number;
  readonly ended: Promise<void>;
}

/** `over` resolves at the end of the stream, which goes on after its first line. */
function firstLine(
  stream: ReadableStream<Uint8Array>,
): { readonly line: Promise<string>; readonly over: Promise<void> } {
  let text = "";
  const decoder = new TextDecoder();
  const line = Promise.withResolvers<string>();
  const read = async () => {
    for await (const bytes of stream) {
      text += decoder.decode(bytes, { stream: true });
      const [first, rest] = text.split("\n", 2);
      if (rest !== undefined) line.resolve(first!);
    }
    line.resolve(text);
  };
  return { line: line.promise, over: read().catch(line.reject) };
}

/** One that nobody listens on, and that no outgoing connection takes. */
function freePort(): number {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
