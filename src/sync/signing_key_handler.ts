import type { Clock } from "../platform/clock.ts";
import { inTurn } from "../platform/in_turn.ts";
import type { Logger } from "../platform/log.ts";
import {
  type Keyring,
  type KeyringState,
  RefusedKeysError,
} from "../trust/keyring.ts";
import { parseSigningKeysPayload } from "../trust/signing_keys_payload.ts";
import { parseSigningKeysPayload2 } from "../trust/signing_keys_payload2.ts";
import type { VerifiedEvent } from "../wire/envelope.ts";
import { isForeignScope } from "./event_scope.ts";
import type { Handler } from "./handler.ts";
import type { SigningKeys } from "../wire/signing_keys.ts";
import { RefusedEventError } from "./refused_event_error.ts";

/** Where trusted keys are kept. */
export interface KeyPort {
  /** @throws {StoreWriteError} */
  save(state: KeyringState): Promise<void>;
}

/** What {@linkcode signingKeyHandler} works with. */
export interface SigningKeyHandlerOptions {
  readonly keyring: Keyring;
  readonly store: KeyPort;
  readonly nodeId: string;
  /** Absent where the control plane does not name domains. */
  readonly domainId?: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * `signing_key_rotated`: durable first, in force then. A bad key changes
 * nothing.
 */
export function signingKeyHandler(options: SigningKeyHandlerOptions): Handler {
  const { keyring, store, clock, log } = options;
  return {
    barrier: true,
    async handle(event) {
      const keys = announcedBy(event, options);
      return await inTurn(keyring, async () => {
        const next = plan(() =>
          keyring.planSignedChange(keys, event.signedBy, clock.now())
        );
        if (next === keyring.state) return "known";
        await store.save(next);
        keyring.replace(next);
        log.info("Signing key rotated", { event_id: event.id });
        return "applied";
      });
    },
  };
}

/** @throws {RefusedEventError} kind "foreign" when it is for others. */
function announcedBy(
  event: VerifiedEvent,
  { nodeId, domainId }: SigningKeyHandlerOptions,
): SigningKeys {
  if (event.scope !== undefined) {
    if (isForeignScope(event.scope, nodeId, domainId)) throw foreign();
    return parseSigningKeysPayload2(event.payload);
  }
  const keys = parseSigningKeysPayload(event.payload);
  const isForeign = keys.domainId !== undefined && keys.domainId !== domainId ||
    keys.nodeId !== undefined && keys.nodeId !== nodeId;
  if (isForeign) throw foreign();
  return keys;
}

function foreign(): RefusedEventError {
  return new RefusedEventError("foreign", "it is for another domain");
}

function plan(work: () => KeyringState): KeyringState {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RefusedKeysError)) throw error;
    throw new RefusedEventError("keys", error.message);
  }
}
