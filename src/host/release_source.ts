import { createHash } from "node:crypto";
import type { Platform } from "../platform/platform.ts";
import { isLoopback } from "../wire/loopback.ts";
import type { VerifiedArtifact } from "../wire/release.ts";
import { HostError } from "./host_error.ts";
import { isVersion } from "./version_order.ts";

/** Most bytes that are taken of each kind of file. */
const MAX_BYTES = {
  latest: 256,
  sums: 64 * 1024,
  signature: 4096,
  archive: 1024 ** 3,
} as const;

/** How often a file is asked for, and the wait before each further time. */
const WAITS_MS = [0, 1000, 4000];

/** Silence after which a download is given up, in ms. */
const SILENCE_MS = 30_000;

/** Most redirects that are followed for one file. */
const MAX_HOPS = 5;

/** Options for {@linkcode ReleaseSource}. */
export interface ReleaseSourceOptions {
  /** Where releases are. */
  readonly baseUrl: string;
  /** Allows plain HTTP to other hosts. Signatures are checked either way. */
  readonly allowPlaintext: boolean;
  readonly io: Pick<Platform, "clock">;
  /** Hears of waits between attempts. */
  readonly tell: (line: string) => void;
}

/**
 * A server of releases. What it says is believed by nobody: who uses it checks
 * signature and checksum.
 *
 * @see docs/install.md, "What the server holds"
 */
export class ReleaseSource {
  readonly #base: string;
  readonly #options: ReleaseSourceOptions;

  /** @throws {HostError} kind "refused" for an address that is not used. */
  constructor(options: ReleaseSourceOptions) {
    this.#base = checkedBase(options);
    this.#options = options;
  }

  /** The version that the server calls its latest. @throws {HostError} */
  async latest(signal: AbortSignal): Promise<string> {
    const text = await this.#text("latest", MAX_BYTES.latest, signal);
    const version = text.trim();
    if (isVersion(version)) return version;
    throw new HostError(
      "failed",
      `${this.#base}/latest does not hold a version`,
      "name the version: plexd upgrade VERSION",
    );
  }

  /** The list of checksums of a version, as text. @throws {HostError} */
  sums(version: string, signal: AbortSignal): Promise<string> {
    return this.#text(`${version}/SHA256SUMS`, MAX_BYTES.sums, signal);
  }

  /** Its signature in base64, in whichever form it is served. */
  async signature(version: string, signal: AbortSignal): Promise<string> {
    const path = `${version}/SHA256SUMS.sig`;
    const bytes = await this.#bytes(path, MAX_BYTES.signature, signal);
    if (bytes.length === 64) return bytes.toBase64();
    return new TextDecoder().decode(bytes).trim();
  }

  /**
   * Downloads a file of a release, and holds it against its checksum.
   *
   * @param file Path of the new file; there is none when this fails.
   * @throws {HostError}
   */
  async archive(
    artifact: VerifiedArtifact,
    file: string,
    signal: AbortSignal,
  ): Promise<void> {
    const path = `${artifact.version}/${artifact.name}`;
    await this.#often(path, signal, async (response, alive) => {
      const hash = createHash("sha256");
      using out = Deno.openSync(file, {
        write: true,
        create: true,
        truncate: true,
        mode: 0o600,
      });
      for await (const chunk of limited(response, MAX_BYTES.archive, alive)) {
        hash.update(chunk);
        for (let at = 0; at < chunk.length;) {
          at += out.writeSync(chunk.subarray(at));
        }
      }
      if (hash.digest("hex") === artifact.sha256) return;
      throw new HostError(
        "failed",
        `${artifact.name} is not what was published: its checksum is wrong`,
        "it was changed or cut short on the way; nothing of it was used",
      );
    });
  }

  async #text(path: string, most: number, signal: AbortSignal) {
    const bytes = await this.#bytes(path, most, signal);
    return new TextDecoder().decode(bytes);
  }

  async #bytes(path: string, most: number, signal: AbortSignal) {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    await this.#often(path, signal, async (response, alive) => {
      chunks.length = 0;
      for await (const chunk of limited(response, most, alive)) {
        chunks.push(chunk);
      }
    });
    return new Uint8Array(await new Blob(chunks).arrayBuffer());
  }

  /** Tries again what may go better; a refusal is final. */
  async #often(
    path: string,
    signal: AbortSignal,
    take: (response: Response, alive: () => void) => Promise<void>,
  ): Promise<void> {
    const { io, tell } = this.#options;
    const url = `${this.#base}/${path}`;
    let last: unknown;
    for (const wait of WAITS_MS) {
      if (wait > 0) {
        tell(`${url}: trying again in ${wait / 1000} s`);
        await io.clock.sleep(wait, signal);
      }
      try {
        return await this.#once(url, signal, take);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof HostError && error.kind !== "unreachable") {
          throw error;
        }
        last = error;
      }
    }
    if (last instanceof HostError) throw last;
    throw new HostError(
      "unreachable",
      `${url} cannot be downloaded`,
      "see whether the address is right and this machine may reach it",
      last,
    );
  }

  async #once(
    url: string,
    signal: AbortSignal,
    take: (response: Response, alive: () => void) => Promise<void>,
  ): Promise<void> {
    using silence = watchSilence(this.#options.io.clock);
    const alive = AbortSignal.any([signal, silence.signal]);
    let at = url;
    for (let hops = 0; hops <= MAX_HOPS; hops++) {
      const response = await fetch(at, { redirect: "manual", signal: alive });
      if (response.status === 200) return await take(response, silence.reset);
      await response.body?.cancel();
      const next = response.headers.get("location");
      if (!(response.status >= 300 && response.status < 400) || !next) {
        throw refusedAnswer(at, response.status);
      }
      // Nothing secret is sent, and what comes is verified.
      at = checkedUrl(new URL(next, at).href, this.#options).href;
    }
    throw new HostError("failed", `${url} leads from one place to the next`);
  }
}

function refusedAnswer(url: string, status: number): HostError {
  if (status === 404) {
    return new HostError(
      "failed",
      `${url} does not exist`,
      "see whether the version was published, and for this architecture",
    );
  }
  return new HostError("unreachable", `${url} answered HTTP ${status}`);
}

async function* limited(
  response: Response,
  most: number,
  alive: () => void,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let length = 0;
  for await (const chunk of response.body ?? []) {
    alive();
    length += chunk.length;
    if (length > most) {
      throw new HostError("failed", `${response.url} is longer than ${most}`);
    }
    yield chunk;
  }
}

/** A signal that aborts when nothing has come for a while. */
function watchSilence(clock: ReleaseSourceOptions["io"]["clock"]) {
  const over = new AbortController();
  let done = new AbortController();
  const start = () => {
    clock.sleep(SILENCE_MS, done.signal).then(
      () => over.abort(new DOMException("No answer", "TimeoutError")),
      () => {},
    );
  };
  const stop = () => done.abort();
  start();
  return {
    signal: over.signal,
    reset() {
      stop();
      done = new AbortController();
      start();
    },
    [Symbol.dispose]: stop,
  };
}

function checkedBase(options: ReleaseSourceOptions): string {
  const url = checkedUrl(options.baseUrl, options);
  if (url.username || url.password || url.search || url.hash) {
    throw refusedAddress("has more than host and path", "leave the rest out");
  }
  return url.href.replace(/\/+$/, "");
}

function checkedUrl(
  text: string,
  { allowPlaintext }: Pick<ReleaseSourceOptions, "allowPlaintext">,
): URL {
  if (!URL.canParse(text)) {
    throw refusedAddress(
      "is no URL",
      "give it as --base-url https://HOST/PATH",
    );
  }
  const url = new URL(text);
  const isPlain = url.protocol === "http:";
  if (!isPlain && url.protocol !== "https:") {
    throw refusedAddress(`begins with ${url.protocol}`, "use https");
  }
  if (isPlain && !isLoopback(url.hostname) && !allowPlaintext) {
    throw refusedAddress(
      "is plain http",
      "use https, or say --allow-plaintext: signatures are checked either way",
    );
  }
  return url;
}

function refusedAddress(what: string, hint: string): HostError {
  return new HostError("refused", `The address of releases ${what}`, hint);
}
