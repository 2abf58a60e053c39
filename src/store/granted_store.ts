import * as z from "zod/mini";
import type { Granted } from "../wire/content_parser.ts";
import { rawMembers } from "../wire/raw_json.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { isDamagedKeyName } from "./key_in_use.ts";
import { replaceFile } from "./replace_file.ts";
import type { SealKey } from "./seal_key.ts";
import { DamagedSealError, sealText, unsealText } from "./sealed_file.ts";
import { decodePart, encodePart } from "./state_files.ts";
import { EMPTY_STATE } from "./state_view.ts";
import type { StoreContext } from "./store_context.ts";
import { StoreWriteError } from "./store_errors.ts";
import { readOrFault } from "./typed_reads.ts";

/** Path of the file, below the membership's folder. */
export const GRANTED_FILE = "services/granted.sealed";

const ROLE = "granted";

const grantedSchema = z.object({
  format: z.literal(1),
  node_id: z.string(),
  directory: z.unknown(),
  services: z.unknown(),
});

/**
 * What the last unsigned state gave somebody a part in: peers, policies and
 * services. It is sealed, as signed states are, so that an edited file grants
 * nothing. A signed state needs none of it.
 *
 * @see seed Node Local State Store, section 2
 */
export class GrantedStore {
  readonly #context: StoreContext;
  readonly #key: SealKey;
  /** As it is on disk, if that is known. */
  #text: string | undefined;

  constructor(context: StoreContext, key: SealKey) {
    this.#context = context;
    this.#key = key;
  }

  /**
   * Stores it before it is applied. What is as on disk is not written.
   *
   * @throws {StoreWriteError} when it could not be made durable.
   */
  async save(nodeId: string, granted: Granted): Promise<void> {
    const text = encode(nodeId, granted);
    if (text === this.#text) return;
    const { disk, temp, folders, cluster, random } = this.#context;
    this.#text = undefined;
    const place = { cluster, role: ROLE } as const;
    const bytes = await sealText(this.#key, place, text, random);
    try {
      await replaceFile(disk, temp, folders.target(GRANTED_FILE), bytes);
    } catch (error) {
      throw new StoreWriteError("what the state grants", error);
    }
    this.#text = text;
  }

  /**
   * Reads it back. A damaged file is set aside, and that is told.
   *
   * @returns undefined when there is nothing of this node.
   * @throws {SealKeyError} kind "wrong_key" when another key sealed it.
   */
  async load(nodeId?: string): Promise<Granted | undefined> {
    const { disk, root, damaged, recovered } = this.#context;
    const bytes = readOrFault(disk, `${root}/${GRANTED_FILE}`);
    if (!bytes) return undefined;
    const what = bytes instanceof Uint8Array
      ? await this.#read(bytes)
      : bytes.message;
    if (typeof what === "string") {
      const aside = damaged.setAside(GRANTED_FILE);
      const action = `${aside}; the next pull brings it again`;
      recovered({ file: GRANTED_FILE, what, action });
      return undefined;
    }
    if (nodeId !== undefined && what.nodeId !== nodeId) return undefined;
    this.#text = what.text;
    return what.granted;
  }

  /** @returns why it cannot be read, or what it holds. */
  async #read(bytes: Uint8Array<ArrayBuffer>): Promise<
    | string
    | {
      readonly text: string;
      readonly nodeId: string;
      readonly granted: Granted;
    }
  > {
    const { disk, root, cluster } = this.#context;
    try {
      const place = { cluster, role: ROLE } as const;
      const text = await unsealText(this.#key, place, bytes);
      return { text, ...decode(text) };
    } catch (error) {
      if (error instanceof DamagedSealError || error instanceof ShapeError) {
        return error.message;
      }
      if (isDamagedKeyName(error, disk, root, this.#key)) {
        return "the name of its key is damaged";
      }
      throw error;
    }
  }
}

function encode(nodeId: string, granted: Granted): string {
  const state = { ...EMPTY_STATE, ...granted };
  return `{"format":1,"node_id":${JSON.stringify(nodeId)},` +
    `"directory":${encodePart("directory", state)},` +
    `"services":${encodePart("services", state)}}`;
}

/** @throws {ShapeError} */
function decode(
  text: string,
): { readonly nodeId: string; readonly granted: Granted } {
  const { node_id } = parseShape("grants", grantedSchema, text);
  const raw = new Map(rawMembers(text));
  const { peers = [], policies = [], services = [] } = {
    ...decodePart("directory", raw.get("directory") ?? ""),
    ...decodePart("services", raw.get("services") ?? ""),
  };
  return { nodeId: node_id, granted: { peers, policies, services } };
}
