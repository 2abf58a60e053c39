import { isIPv4 } from "node:net";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import { isIpAndPort } from "../wire/ip_port.ts";
import type { Peer, StatePosition } from "../wire/state.ts";
import type { PeerObservation } from "../store/peer_cache.ts";
import { observePeer, type ProbeResult } from "./observe_peer.ts";
import type { Address } from "./tcp_answer.ts";

/** Peers that are tried at a time. */
const AT_ONCE = 8;

/** Nodes that were started together do not try each other together. */
const JITTER = 0.25;

/** Where observations go. */
export interface Observations {
  get(peerId: string): PeerObservation | undefined;
  note(observation: PeerObservation): void;
}

/** Options for {@linkcode PeerProbe}. */
export interface PeerProbeOptions {
  /** The directory, and the state it is of. */
  readonly directory: () => {
    readonly peers: readonly Peer[];
    readonly position?: StatePosition;
  };
  readonly observations: Observations;
  /** Port of mesh addresses that is tried; 0: endpoints are. @default {0} */
  readonly port?: number;
  /** Between two rounds, before jitter of a quarter. @default {60000} */
  readonly intervalMs?: number;
  /** Asks one of them; it ends by itself, and early when the signal aborts. */
  readonly ask: (
    address: Address,
    signal: AbortSignal,
  ) => Promise<ProbeResult>;
  /** All peers were tried once more. */
  readonly onRound?: () => void;
  readonly io: Platform;
}

/**
 * Tries every peer of the directory now and then and notes how that went, in
 * memory. What it finds are hints about ways, and never says who is a peer.
 */
export class PeerProbe implements Part {
  readonly name = "peer_probe";
  readonly #options: PeerProbeOptions;
  readonly #port: number;
  readonly #intervalMs: number;

  constructor(options: PeerProbeOptions) {
    const { port = 0, intervalMs = 60_000 } = options;
    if (!(intervalMs >= 1_000)) {
      throw new RangeError(
        `Cannot try peers as "intervalMs" must be >= 1000: current value is ${intervalMs}`,
      );
    }
    this.#options = options;
    this.#port = port;
    this.#intervalMs = intervalMs;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options.io;
    try {
      for (;;) {
        const jitter = 1 - JITTER + 2 * JITTER * random.unit();
        await clock.sleep(this.#intervalMs * jitter, signal);
        await this.#round(signal);
        this.#options.onRound?.();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { peers } = this.#options.directory();
    const waiting = peers.values();
    const work = async () => {
      for (const peer of waiting) {
        if (signal.aborted) return;
        const address = addressOf(peer, this.#port);
        if (address) await this.#try(peer, address, signal);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  async #try(peer: Peer, address: Address, signal: AbortSignal) {
    const { directory, observations, ask, io } = this.#options;
    const result = await ask(address, signal);
    // A stop says nothing about the peer.
    if (signal.aborted) return;
    const { position } = directory();
    const one = {
      peerId: peer.id,
      atMs: io.clock.now(),
      ...(position ? { position } : {}),
    };
    observations.note(observePeer(observations.get(peer.id), one, result));
  }
}

/**
 * Where a peer can be asked.
 *
 * @param port Of its mesh address; 0 for its endpoint as it is.
 * @returns undefined when it has told no address, or one that is no machine's.
 */
export function addressOf(
  { meshIp, endpoint }: Pick<Peer, "meshIp" | "endpoint">,
  port: number,
): Address | undefined {
  const text = port === 0
    ? endpoint
    : `${meshIp.includes(":") ? `[${meshIp}]` : meshIp}:${port}`;
  if (!isIpAndPort(text)) return undefined;
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, colon).replace(/^\[|\]$/g, "");
  if (isNoMachine(host)) return undefined;
  return { host, port: Number(text.slice(colon + 1)) };
}

/** Unspecified, link-local (where clouds answer metadata), multicast, reserved. */
function isNoMachine(host: string): boolean {
  if (isIPv4(host)) {
    const [first = 0, second = 0] = host.split(".").map(Number);
    return first === 0 || first >= 224 || (first === 169 && second === 254);
  }
  const text = host.toLowerCase();
  return text === "::" || /^fe[89ab]/.test(text) || text.startsWith("ff") ||
    // An IPv4 address in another spelling.
    text.includes("ffff:") || text.includes(".");
}
