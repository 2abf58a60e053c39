import { describeError } from "../platform/log.ts";

/** Where bootstrap tokens may come from, first hit wins. */
export interface TokenSources {
  /** Value from the configuration. */
  readonly value?: string;
  /** Path of a file; one that is missing or blank is passed over. */
  readonly file: string;
  /**
   * Path of what the service manager hands over as a credential. It cannot be
   * removed from here. @default there is none
   */
  readonly credential?: string;
  /** Name of an environment variable, which is deleted in any case. */
  readonly env: string;
  /** The cloud's metadata service; absent when it is not to be asked. */
  readonly metadata?: (signal: AbortSignal) => Promise<string | undefined>;
  /** Tokens that are passed over, wherever they lie. @default none */
  readonly isSpent?: (token: string) => boolean;
}

/** A bootstrap token and what has to happen when it was used. */
export interface FoundToken {
  readonly token: string;
  /** Path of the file it came from, which is removed after registration. */
  readonly file?: string;
}

/** There is a token that cannot be one, or there is none. Never says which text. */
export class TokenError extends Error {
  override readonly name = "TokenError";

  constructor(
    readonly kind: "none" | "invalid" | "unreadable",
    message: string,
  ) {
    super(message);
  }
}

/** Longest bootstrap token in bytes. */
const MAX_TOKEN_BYTES = 512;

/**
 * Trims a token and checks that it can be one: 1 to 512 bytes, all of them
 * printable ASCII.
 *
 * @returns undefined for a blank text, which counts as no token.
 * @throws {TokenError} kind "invalid". A bad token is an error at once: trying
 * the next source would hide a mistake.
 * @see docs/wire.md, section c.1
 */
export function validateToken(
  text: string,
  source: string,
): string | undefined {
  const token = text.trim();
  if (token === "") return undefined;
  if (token.length <= MAX_TOKEN_BYTES && /^[\x20-\x7e]+$/.test(token)) {
    return token;
  }
  throw new TokenError(
    "invalid",
    `The bootstrap token from ${source} is not 1 to 512 bytes of printable ASCII`,
  );
}

/**
 * Finds the bootstrap token.
 *
 * @throws {TokenError} kind "none" naming all sources, "invalid", or
 * "unreadable" for a file that is there but cannot be read.
 */
export async function findToken(
  sources: TokenSources,
  signal: AbortSignal,
): Promise<FoundToken> {
  const { value, file, credential, env, metadata } = sources;
  const { isSpent = () => false } = sources;
  const usable = (token: string | undefined) =>
    token !== undefined && !isSpent(token) ? token : undefined;
  const variable = Deno.env.get(env) ?? "";
  // Children and /proc would show it for as long as the agent lives.
  Deno.env.delete(env);
  const configured = usable(validateToken(value ?? "", "the configuration"));
  if (configured) return { token: configured };
  const inFile = usable(validateToken(await readFile(file), file));
  if (inFile) return { token: inFile, file };
  const handedOver = credential === undefined
    ? undefined
    : usable(validateToken(await readFile(credential), credential));
  if (handedOver) return { token: handedOver };
  const inEnv = usable(validateToken(variable, `the variable ${env}`));
  if (inEnv) return { token: inEnv };
  const served = usable(validateToken(
    await metadata?.(signal) ?? "",
    "the metadata service",
  ));
  if (served) return { token: served };
  throw new TokenError(
    "none",
    `There is no bootstrap token: not in the configuration ` +
      `(registration.token_value), not in the file ${file}, ` +
      (credential === undefined
        ? ""
        : `not in the credential ${credential}, `) +
      `not in the variable ${env}, and ` +
      (metadata
        ? "the metadata service has none"
        : "the metadata service is not asked (registration.use_metadata)"),
  );
}

/** More than any token and the blanks around it; a device would never end. */
const MAX_FILE_BYTES = 4096;

async function readStart(file: Deno.FsFile): Promise<string> {
  const buffer = new Uint8Array(MAX_FILE_BYTES);
  let length = 0;
  while (length < buffer.length) {
    const count = await file.read(buffer.subarray(length));
    if (count === null) break;
    length += count;
  }
  return new TextDecoder().decode(buffer.subarray(0, length));
}

async function readFile(path: string): Promise<string> {
  try {
    using file = await Deno.open(path);
    return await readStart(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw new TokenError(
      "unreadable",
      `The bootstrap token's file ${path} cannot be read: ${
        describeError(error)
      }`,
    );
  }
}
