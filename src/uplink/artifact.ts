import { createHash } from "node:crypto";
import type { Clock } from "../platform/clock.ts";
import { ENDPOINTS } from "../wire/endpoints.ts";
import { chunksOf } from "./chunks_of.ts";
import { ControlError } from "./control_error.ts";
import { withDeadline } from "./deadline.ts";
import { callOf, type HttpCall } from "./http_call.ts";
import type { HttpCaller } from "./http_caller.ts";

/** A release of plexd, and where it runs. */
export interface ArtifactName {
  readonly version: string;
  readonly os: string;
  readonly arch: string;
}

/** Bounds and checks of a download. */
export interface DownloadOptions {
  /** SHA-256 that the bytes must have, in hex. @default any */
  readonly sha256?: string;
  /** Most bytes that are taken. @default {536870912} */
  readonly maxBytes?: number;
  /** Silence after which it is given up. @default {30000} */
  readonly idleTimeoutMs?: number;
  /** Time for all of it: 100 MB on a line of 250 kbit/s. @default {3600000} */
  readonly wholeTimeoutMs?: number;
}

/** What was downloaded. */
export interface Downloaded {
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

/** The bytes are not the ones that were wanted. */
export class DigestMismatchError extends Error {
  override readonly name = "DigestMismatchError";

  constructor(readonly expected: string, readonly actual: string) {
    super(`What was downloaded has SHA-256 ${actual}, not ${expected}`);
  }
}

/**
 * Streams a release of plexd into `sink`, holding no more than a chunk of it.
 *
 * The sink is closed only when everything has come and is what was wanted;
 * otherwise it is aborted with the error.
 *
 * @param bearer Of the node.
 * @throws {DigestMismatchError}
 * @throws {ControlError} kind "bad_answer" when it is too long, "timeout" after
 * silence or when it takes too long, and as every call.
 * @throws what the sink throws.
 */
export async function downloadArtifact(
  http: HttpCaller,
  name: ArtifactName,
  bearer: string | undefined,
  sink: WritableStream<Uint8Array>,
  options: DownloadOptions,
  signal: AbortSignal,
): Promise<Downloaded> {
  const { sha256, wholeTimeoutMs: ms = 3_600_000 } = options;
  const { clock } = http.options;
  const writer = sink.getWriter();
  // Its failure shows where it is written to.
  writer.closed.catch(() => {});
  const late = () =>
    new ControlError("timeout", `The download took more than ${ms} ms`);
  try {
    const place = callOf(ENDPOINTS.artifact, { ...name });
    const call: HttpCall = {
      ...place,
      // Nothing in it is to be hidden, and it says what is missing.
      shownPath: place.path,
      accept: "application/octet-stream",
      // As it is: its sum is over these bytes.
      headers: { "accept-encoding": "identity" },
      ...(bearer === undefined ? {} : { bearer }),
    };
    const done = await withDeadline(
      { clock, ms, signal, late },
      (signal) => copy(http, call, writer, options, signal),
    );
    if (sha256 !== undefined && done.sha256 !== sha256.toLowerCase()) {
      throw new DigestMismatchError(sha256.toLowerCase(), done.sha256);
    }
    await writer.close();
    return done;
  } catch (error) {
    await writer.abort(error).catch(() => {});
    throw error;
  }
}

async function copy(
  http: HttpCaller,
  call: HttpCall,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  options: DownloadOptions,
  signal: AbortSignal,
): Promise<Downloaded> {
  const { maxBytes = 512 * 1024 * 1024, idleTimeoutMs = 30_000 } = options;
  const silence = new Silence(http.options.clock, idleTimeoutMs);
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    const either = AbortSignal.any([signal, silence.signal]);
    const { body } = await http.open(call, either);
    for await (const chunk of readsOf(body, silence, either)) {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        throw new ControlError(
          "bad_answer",
          `The download is longer than ${maxBytes} bytes`,
        );
      }
      hash.update(chunk);
      await writer.write(chunk);
    }
    return { bytes, sha256: hash.digest("hex") };
  } finally {
    await silence.end();
  }
}

/** The chunks of a body; a slow reader of them is no silence. */
async function* readsOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  silence: Silence,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (!body) return;
  const chunks = chunksOf(body, signal);
  try {
    for (;;) {
      silence.begins();
      const { done, value } = await chunks.next();
      silence.ends();
      if (done) return;
      yield value;
    }
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw new ControlError("unreachable", "The download broke off", { cause });
  } finally {
    // A no-op at the end of the body; else it frees the connection.
    await chunks.return(undefined);
  }
}

/** Aborts its signal when nothing has come for too long. */
class Silence {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #cut = new AbortController();
  readonly #over = new AbortController();
  readonly #watch: Promise<void>;
  /** Since when bytes are waited for, by the monotonic clock. */
  #sinceMs: number | undefined;

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#watch = this.#run();
  }

  get signal(): AbortSignal {
    return this.#cut.signal;
  }

  begins() {
    this.#sinceMs = this.#clock.elapsed();
  }

  ends() {
    this.#sinceMs = undefined;
  }

  /** Stops watching. */
  async end() {
    this.#over.abort();
    await this.#watch;
  }

  async #run() {
    const { signal } = this.#over;
    while (!signal.aborted) {
      const now = this.#clock.elapsed();
      const left = this.#limitMs - (now - (this.#sinceMs ?? now));
      if (left <= 0) {
        this.#cut.abort(
          new ControlError("timeout", `Nothing came for ${this.#limitMs} ms`),
        );
        return;
      }
      // Rejects only when it is over, which the loop then sees.
      await this.#clock.sleep(left, signal).catch(() => {});
    }
  }
}
