import type { Random } from "../platform/random.ts";
import { readIfThere, systemDisk } from "./disk.ts";
import { membershipPaths } from "./folders.ts";
import { giveToOwner } from "./give_to_owner.ts";
import type { AgentRequest } from "./request_box.ts";
import {
  ANSWER_FILE,
  decodeAnswer,
  encodeRequest,
  REQUEST_FILE,
  type RequestAnswer,
  REQUESTS_FOLDER,
  type StoredRequest,
} from "./request_file.ts";
import type { SealKey } from "./seal_key.ts";
import { sealText } from "./sealed_file.ts";
import { errorCode, StoreWriteError } from "./store_errors.ts";

/** What a command can ask for. */
export type NewRequest =
  | Extract<
    AgentRequest,
    { kind: "deregister" | "accept_epoch" | "reconcile" | "recent_log" }
  >
  | (Extract<AgentRequest, { kind: "join" }> & { readonly seal: SealKey });

/** Where and how a request is left. */
export interface LeaveRequestOptions {
  readonly dataDir: string;
  readonly cluster: string;
  readonly random: Random;
}

/** Another command waits for the same agent. */
export class RequestPendingError extends Error {
  override readonly name = "RequestPendingError";

  constructor(folder: string) {
    super(`Another command is waiting for the agent that uses ${folder}`);
  }
}

/** A request that was left for the running agent. */
export interface LeftRequest {
  /** The agent's answer, once it is there. @throws {ShapeError} */
  answer(): RequestAnswer | undefined;
  /** Whether an agent has started since, which carries out nothing of before. */
  isGone(): boolean;
  /** Takes request and answer away, whatever became of them. */
  withdraw(): void;
}

/**
 * Leaves a request for the agent that holds a membership. A token is sealed
 * with the machine's key: it does not reach the disk in the clear.
 *
 * @throws {RequestPendingError} when one is there already.
 * @throws {Deno.errors.PermissionDenied} when this user may not ask.
 * @throws {StoreWriteError} when the folder cannot be written to.
 */
export async function leaveRequest(
  options: LeaveRequestOptions,
  asked: NewRequest,
): Promise<LeftRequest> {
  const { dataDir, cluster, random } = options;
  const { root } = membershipPaths(dataDir, cluster);
  const id = random.bytes(16).toHex();
  const request = await storedForm(asked, options);
  const path = `${root}/${REQUEST_FILE}`;
  place(root, id, encodeRequest({ id, request }));
  const isOurs = () => {
    const bytes = readIfThere(systemDisk, path);
    // The agent may be removing it at this moment, but nobody changes it.
    return bytes !== undefined && new TextDecoder().decode(bytes).includes(id);
  };
  return {
    answer() {
      const bytes = readIfThere(systemDisk, `${root}/${ANSWER_FILE}`);
      return bytes && decodeAnswer(id, bytes);
    },
    isGone: () => !isOurs(),
    withdraw() {
      if (!isOurs()) return;
      // The answer first: the next request must not find it.
      systemDisk.remove(`${root}/${ANSWER_FILE}`);
      systemDisk.remove(path);
    },
  };
}

async function storedForm(
  asked: NewRequest,
  { cluster, random }: LeaveRequestOptions,
): Promise<StoredRequest["request"]> {
  if (asked.kind !== "join") return asked;
  const place = { cluster, role: "request_token" } as const;
  const sealedToken = await sealText(asked.seal, place, asked.token, random);
  return { kind: "join", sealedToken };
}

/** Whole under its name or not at all, and never over another request. */
function place(root: string, id: string, bytes: Uint8Array) {
  const temp = `${root}/${REQUESTS_FOLDER}/.${id}`;
  try {
    systemDisk.createNow(temp, bytes);
    giveToOwner(root, temp);
    Deno.linkSync(temp, `${root}/${REQUEST_FILE}`);
  } catch (error) {
    if (errorCode(error) === "EEXIST") throw new RequestPendingError(root);
    if (error instanceof Deno.errors.PermissionDenied) throw error;
    throw new StoreWriteError("the request to the agent", error);
  } finally {
    systemDisk.remove(temp);
  }
}
