import type { KeyObject } from "node:crypto";
import { privateKeyFrom } from "./signing_key.ts";
import type { StoredSigningKey } from "./storage/storage.ts";
import { SEALED, type Vault } from "./vault.ts";

/** Private signing keys, each unsealed once. */
export class PrivateKeys {
  readonly #vault: Vault;
  readonly #known = new Map<string, KeyObject>();

  constructor(vault: Vault) {
    this.#vault = vault;
  }

  /** The key, if it was unsealed before. */
  known(id: string): KeyObject | undefined {
    return this.#known.get(id);
  }

  /** @throws {Error} when it was not sealed here. */
  async of({ id, sealed }: StoredSigningKey): Promise<KeyObject> {
    const known = this.#known.get(id);
    if (known) return known;
    const seed = await this.#vault.unseal(SEALED.signingKey(id), sealed);
    const key = privateKeyFrom(seed);
    seed.fill(0);
    this.#known.set(id, key);
    return key;
  }
}
