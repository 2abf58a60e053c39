import { encodeAccount, encodeOperator } from "@nats-io/jwt";
import {
  createAccount,
  createOperator,
  fromSeed,
  type KeyPair,
} from "@nats-io/nkeys";
import * as z from "zod/mini";
import { decodeBase64, encodeBase64 } from "../../wire/base64.ts";
import type { BusConfig } from "../../wire/bus_config.ts";
import { checkShape } from "../../wire/shape_error.ts";
import type { Storage } from "../storage/storage.ts";
import { SEALED, type Vault } from "../vault.ts";
import { swiftKeyPair } from "./swift_key_pair.ts";
import { STREAM_BYTES } from "./bus_names.ts";

/** Setting that holds {@linkcode storedSchema}. */
const SETTING = "message_bus";

const storedSchema = z.object({
  operator_jwt: z.string(),
  system_account: z.string(),
  system_account_jwt: z.string(),
  account: z.string(),
  account_jwt: z.string(),
  /** Base64 of the sealed {@linkcode seedsSchema}. */
  sealed: z.string(),
});

const seedsSchema = z.object({
  operator: z.string(),
  system_account: z.string(),
  account: z.string(),
});

/** Who vouches for whom on the message bus. */
export interface BusIdentity {
  /** What a nats-server has to know; nothing of it is secret. */
  readonly config: BusConfig;
  /** Key pair of the account, which signs for its users. */
  readonly account: KeyPair;
}

/** What the identity is kept with. */
export interface BusIdentityServices {
  readonly storage: Storage;
  readonly vault: Vault;
}

/**
 * The operator, the account and the system account of this control plane, made
 * once. Their seeds are sealed; the seed of the operator and that of the system
 * account are kept for a day when another account must be made.
 *
 * @throws {Error} when another vault sealed it.
 */
export async function ensureBusIdentity(
  { storage, vault }: BusIdentityServices,
): Promise<BusIdentity> {
  const known = await storage.read(async ({ settings }) =>
    await settings.get(SETTING)
  );
  if (known !== undefined) return await opened(known, vault);
  const made = await newIdentity(vault);
  await storage.write(async ({ settings }) =>
    await settings.set(SETTING, made)
  );
  return await opened(made, vault);
}

async function newIdentity(vault: Vault): Promise<string> {
  const operator = createOperator();
  const systemAccount = createAccount();
  const account = createAccount();
  const seeds: z.infer<typeof seedsSchema> = {
    operator: seedText(operator),
    system_account: seedText(systemAccount),
    account: seedText(account),
  };
  const bytes = new TextEncoder().encode(JSON.stringify(seeds));
  const stored: z.infer<typeof storedSchema> = {
    operator_jwt: await encodeOperator("plexd", operator, {
      system_account: systemAccount.getPublicKey(),
    }),
    system_account: systemAccount.getPublicKey(),
    system_account_jwt: await encodeAccount("SYS", systemAccount, {
      limits: UNLIMITED,
    }, { signer: operator }),
    account: account.getPublicKey(),
    account_jwt: await encodeAccount("plexd", account, {
      limits: {
        ...UNLIMITED,
        mem_storage: 0,
        disk_storage: STREAM_BYTES,
        streams: 1,
        consumer: -1,
      },
    }, { signer: operator }),
    sealed: encodeBase64(await vault.seal(SEALED.messageBus, bytes)),
  };
  bytes.fill(0);
  return JSON.stringify(stored);
}

/** What a JWT does not name is zero, which forbids it. */
const UNLIMITED = {
  subs: -1,
  data: -1,
  payload: -1,
  imports: 0,
  exports: 0,
  wildcards: false,
  conn: -1,
  leaf: 0,
  disallow_bearer: true,
} as const;

async function opened(text: string, vault: Vault): Promise<BusIdentity> {
  const stored = checkShape(
    "keys of the message bus",
    storedSchema,
    JSON.parse(text),
  );
  const sealed = decodeBase64(stored.sealed);
  if (!sealed) throw new Error("The sealed keys of the message bus are broken");
  const plain = await vault.unseal(SEALED.messageBus, sealed);
  const seeds = checkShape(
    "seeds of the message bus",
    seedsSchema,
    JSON.parse(new TextDecoder().decode(plain)),
  );
  plain.fill(0);
  return {
    config: {
      operator_jwt: stored.operator_jwt,
      system_account: stored.system_account,
      accounts: {
        [stored.account]: stored.account_jwt,
        [stored.system_account]: stored.system_account_jwt,
      },
    },
    account: swiftKeyPair(
      fromSeed(new TextEncoder().encode(seeds.account)),
    ),
  };
}

function seedText(pair: KeyPair): string {
  return new TextDecoder().decode(pair.getSeed());
}
