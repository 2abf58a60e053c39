import type { Clock } from "../platform/clock.ts";
import type { StateChange, StateView } from "../store/state_view.ts";
import type { StatePosition } from "../wire/state.ts";
import {
  type NodeSecretsUpdate,
  type NodeStateUpdate,
  parseNodeSecretsUpdate,
  parseNodeStateUpdate,
} from "../wire/state_updates.ts";
import type { Effect, Handler } from "./handler.ts";
import { IssueOrder } from "./issue_order.ts";
import { RefusedEventError } from "./refused_event_error.ts";

/** Where the handlers put state. */
export interface StatePort {
  readonly view: StateView;
  update(
    decide: (latest: StateView) => StateChange | undefined,
  ): Promise<StateView>;
}

/** What the handlers of state events work with. */
export interface StateHandlerOptions {
  readonly state: StatePort;
  /** The id of this node, as the control plane gave it. */
  readonly nodeId: string;
  /** When the latest applied event of a type was issued, ms since the epoch. */
  readonly lastIssuedMs: (type: string) => number | undefined;
  readonly pull: (reason: string) => void;
  readonly clock: Clock;
}

/** `node_state_updated`: new metadata, new data, or both. */
export function nodeStateHandler(options: StateHandlerOptions): Handler {
  return stateHandler(options, (payload) => {
    const update = parseNodeStateUpdate(payload);
    const { metadata, data } = update;
    const change = {
      ...(metadata ? { metadata } : {}),
      ...(data ? { data } : {}),
    };
    return { update, change };
  });
}

/** `node_secrets_updated`: a new index of secrets. */
export function nodeSecretsHandler(options: StateHandlerOptions): Handler {
  return stateHandler(options, (payload) => {
    const update = parseNodeSecretsUpdate(payload);
    const { secretRefs } = update;
    return { update, change: secretRefs ? { secretRefs } : {} };
  });
}

interface ParsedUpdate {
  readonly update: NodeStateUpdate | NodeSecretsUpdate;
  readonly change: StateChange;
}

function stateHandler(
  options: StateHandlerOptions,
  parse: (payload: string) => ParsedUpdate,
): Handler {
  const order = new IssueOrder(options);
  return {
    async handle(event) {
      const { update, change } = parse(event.payload);
      if (update.nodeId !== undefined && update.nodeId !== options.nodeId) {
        throw new RefusedEventError("foreign", "it is for another node");
      }
      if (Object.keys(change).length === 0) {
        options.pull("an event only hints at a change");
        return "applied";
      }
      const { position } = update;
      if (position) {
        let effect: Effect = "known";
        await options.state.update((latest) => {
          const numberedChange = numbered(latest, change, position, options);
          effect = numberedChange ? "applied" : "known";
          return numberedChange;
        });
        return effect;
      }
      await order.apply(event, () =>
        options.state.update((latest) => {
          refuseOlderEntries(latest, change);
          order.take(event);
          return change;
        }));
      return "applied";
    },
  };
}

/**
 * A control plane that numbers its states: only the next state is applied
 * without asking, and never an older one.
 */
function numbered(
  latest: StateView,
  change: StateChange,
  position: StatePosition,
  { pull }: StateHandlerOptions,
): StateChange | undefined {
  const known = latest.position;
  if (!known) {
    pull("an event came before the first pull");
    return { ...change, position, complete: false };
  }
  if (position.epoch < known.epoch) {
    throw new RefusedEventError("outdated", "it is of an earlier epoch");
  }
  if (position.epoch > known.epoch) {
    throw new RefusedEventError("unknown_epoch", "its epoch is not known yet");
  }
  // A pull that was faster than the stream has brought this already.
  if (position.version <= known.version) return undefined;
  if (position.version === known.version + 1) return { ...change, position };
  pull("an event shows that others are missing");
  return { ...change, position, complete: false };
}

/** @throws {RefusedEventError} kind "outdated" for a lower version. */
function refuseOlderEntries(
  latest: StateView,
  { data, secretRefs }: StateChange,
) {
  const versions = new Map(
    latest.secretRefs.map((ref) => [ref.key, ref.version]),
  );
  const older = [...data?.values() ?? []].some((entry) =>
    entry.version < (latest.data.get(entry.key)?.version ?? 0)
  );
  const olderSecret = (secretRefs ?? []).some((ref) =>
    ref.version < (versions.get(ref.key) ?? 0)
  );
  if (older || olderSecret) {
    throw new RefusedEventError("outdated", "an entry has a lower version");
  }
}
