import { describeError } from "../platform/log.ts";
import { readIfThere } from "./disk.ts";
import { replaceFileNow } from "./replace_file.ts";
import {
  ANSWER_FILE,
  decodeRequest,
  encodeAnswer,
  REQUEST_FILE,
  type RequestAnswer,
  REQUESTS_FOLDER,
  type StoredRequest,
} from "./request_file.ts";
import type { SealKey } from "./seal_key.ts";
import { unsealText } from "./sealed_file.ts";
import type { StoreContext } from "./store_context.ts";
import { StoreWriteError } from "./store_errors.ts";

/** What a command asks the agent to do that holds the membership. */
export type AgentRequest =
  | { readonly kind: "deregister"; readonly force: boolean }
  | { readonly kind: "accept_epoch" }
  | { readonly kind: "reconcile" }
  | { readonly kind: "recent_log" }
  | { readonly kind: "join"; readonly token: string }
  | { readonly kind: "unusable"; readonly why: string };

/** A request that waits for its answer. */
export interface OpenRequest {
  readonly id: string;
  readonly request: AgentRequest;
}

/**
 * Requests as the agent sees them: one at a time, left in a folder that only
 * its own user and root may enter, and never over the workloads' sockets.
 *
 * A request stays until its command has read the answer, so that none takes
 * its place before that.
 *
 * @see design, section 4 "Durability", rule 7
 */
export class RequestBox {
  readonly #context: StoreContext;
  readonly #key: SealKey;

  private constructor(context: StoreContext, key: SealKey) {
    this.#context = context;
    this.#key = key;
  }

  /**
   * Opens the box, emptied: what was asked of an agent that has ended must not
   * happen later, when nobody expects it.
   */
  static open(context: StoreContext, key: SealKey): RequestBox {
    const { disk, root } = context;
    const folder = `${root}/${REQUESTS_FOLDER}`;
    for (const { name } of disk.list(folder)) disk.remove(`${folder}/${name}`);
    return new RequestBox(context, key);
  }

  /** The request that waits, if any. What is no request is removed. */
  async read(): Promise<OpenRequest | undefined> {
    const { disk, root, log } = this.#context;
    let stored: StoredRequest;
    try {
      const bytes = readIfThere(disk, `${root}/${REQUEST_FILE}`);
      if (!bytes) return undefined;
      stored = decodeRequest(bytes);
    } catch (error) {
      log.warn("A request to the agent could not be read", {
        error: describeError(error),
      });
      this.clear();
      return undefined;
    }
    const { id, request } = stored;
    if (request.kind !== "join") return { id, request };
    return { id, request: await this.#unsealed(request.sealedToken) };
  }

  /** @throws {StoreWriteError} when it could not be made durable. */
  answer(id: string, answer: RequestAnswer): void {
    const { disk, temp, folders } = this.#context;
    try {
      const target = folders.target(ANSWER_FILE);
      replaceFileNow(disk, temp, target, encodeAnswer(id, answer));
    } catch (error) {
      throw new StoreWriteError("the answer to a request", error);
    }
  }

  /** Removes a request and its answer. */
  clear(): void {
    const { disk, root, log } = this.#context;
    for (const file of [REQUEST_FILE, ANSWER_FILE]) {
      try {
        disk.remove(`${root}/${file}`);
      } catch (error) {
        log.warn("A request could not be removed", {
          file,
          error: describeError(error),
        });
      }
    }
  }

  async #unsealed(sealed: Uint8Array<ArrayBuffer>): Promise<AgentRequest> {
    const { cluster } = this.#context;
    try {
      const place = { cluster, role: "request_token" } as const;
      const token = await unsealText(this.#key, place, sealed);
      return { kind: "join", token };
    } catch (error) {
      const why = `its token cannot be opened: ${describeError(error)}`;
      return { kind: "unusable", why };
    }
  }
}
