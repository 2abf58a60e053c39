import { actionRequestHandler } from "../sync/action_request_handler.ts";
import type { Handler } from "../sync/handler.ts";
import {
  nodeSecretsHandler,
  nodeStateHandler,
} from "../sync/node_state_handler.ts";
import { peerHandlers } from "../sync/peer_handlers.ts";
import { pullHandler } from "../sync/pull_handler.ts";
import { pullHintHandler } from "../sync/pull_hint_handler.ts";
import { rotateKeysHandler } from "../sync/rotate_keys_handler.ts";
import { sessionHandlers } from "../sync/session_handlers.ts";
import { signingKeyHandler } from "../sync/signing_key_handler.ts";
import type { Keyring } from "../trust/keyring.ts";
import { HINT_EVENT_TYPES } from "../wire/event_types.ts";
import type { NodeContext } from "./node_context.ts";
import { unlessRestored } from "./restored.ts";

/** What the handlers need beside the context. */
export interface HandlerNeeds {
  readonly keyring: Keyring;
  /** Asks for a pull of the whole state, for the reason given. */
  readonly pull: (reason: string) => void;
}

/** Who takes which type of event. */
export interface EventHandlers {
  readonly handlers: ReadonlyMap<string, readonly Handler[]>;
  /** Takes all other types; absent where they are left alone. */
  readonly otherwise?: Handler;
}

/** The effect of every event type, in the dialect that the node speaks. */
export function eventHandlers(
  context: NodeContext,
  { keyring, pull }: HandlerNeeds,
): EventHandlers {
  const { identity, store, io } = context;
  const { nodeId, domainId } = identity;
  const scope = { nodeId, ...(domainId === undefined ? {} : { domainId }) };
  const rotation = signingKeyHandler({
    keyring,
    store: store.trust,
    ...scope,
    ...io,
  });
  if (identity.dialect === 2) {
    return {
      handlers: new Map([["signing_key_rotated", [rotation]]]),
      otherwise: pullHintHandler({ ...scope, pull }),
    };
  }
  const stateHandling = {
    state: store.state,
    nodeId,
    lastIssuedMs: (type: string) => store.events.lastIssuedMs(type),
    pull,
    clock: io.clock,
  };
  const hint = pullHandler(pull);
  const one: [string, Handler][] = [
    ["node_state_updated", nodeStateHandler(stateHandling)],
    ["node_secrets_updated", nodeSecretsHandler(stateHandling)],
    ["signing_key_rotated", rotation],
    ["policy_updated", hint],
    ...HINT_EVENT_TYPES.map((type) => [type, hint] as [string, Handler]),
    ...peerHandlers({ ...scope, directory: store.state, pull, ...io }),
    [
      "action_request",
      unlessRestored(
        store.restored,
        actionRequestHandler({
          nodeId,
          clock: io.clock,
          offer: (request) => context.tasks.engine.offer(request),
        }),
      ),
    ],
    [
      "rotate_keys",
      unlessRestored(
        store.restored,
        rotateKeysHandler({
          nodeId,
          request: (reason) => context.tasks.rotation.request(reason),
        }),
      ),
    ],
    ...sessionHandlers({ nodeId, sessions: store.sessions, ...io }),
  ];
  return { handlers: new Map(one.map(([type, handler]) => [type, [handler]])) };
}
