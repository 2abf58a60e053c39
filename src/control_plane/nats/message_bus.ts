import { describeError } from "../../platform/log.ts";
import type { Part } from "../../platform/part.ts";
import type { Platform } from "../../platform/platform.ts";
import { surviveStrayFailures } from "../../platform/stray_failures.ts";
import type { BusConfig } from "../../wire/bus_config.ts";
import type { CarrierCredentials } from "../../wire/carrier_credentials.ts";
import type { EventFanOut } from "../event_fan_out.ts";
import type { EventSigner } from "../event_signer.ts";
import { ProblemError } from "../http/problem.ts";
import type { Node, Storage } from "../storage/storage.ts";
import type { Vault } from "../vault.ts";
import { connectBus } from "./bus_connection.ts";
import { type BusIdentity, ensureBusIdentity } from "./bus_identity.ts";
import { consumerOf, MAX_AGE_MS } from "./bus_names.ts";
import { BusPublisher, type PublishedCounts } from "./bus_publisher.ts";
import { BusReaders } from "./bus_readers.ts";
import { BusStream } from "./bus_stream.ts";
import { type BusUser, nodeCredentials, ownUser } from "./bus_users.ts";

/** Waits between attempts double from the first to the last, give or take. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const JITTER = 0.25;

/** How often nodes are looked for whose credentials are long over. */
const PRUNE_EVERY_MS = 60_000;

/** Consumers that are made at a time. */
const CONSUMERS_AT_ONCE = 32;

/** When a node whose first credentials need the bus may ask again, in s. */
const ASK_AGAIN_S = 5;

/** How the message bus is set up. */
export interface MessageBusSettings {
  /** Where the control plane finds it: `nats://host:port`, any of them will do. */
  readonly servers: readonly string[];
  /** Where nodes find it. @default {as the control plane} */
  readonly advertised?: readonly string[];
  /** PEM of the authorities to trust. @default {those of the system} */
  readonly ca?: string;
  /** For how long credentials of nodes are good. @default {900000} */
  readonly credentialsTtlMs?: number;
}

/** What the message bus works with. */
export interface MessageBusServices {
  readonly storage: Storage;
  readonly vault: Vault;
  readonly signer: EventSigner;
  readonly fanOut: EventFanOut;
  readonly epoch: number;
  readonly io: Platform;
}

const DEFAULT_TTL_MS = 15 * 60_000;

/** Opens the control plane's side of a message bus; `run` connects to it. */
export async function openMessageBus(
  settings: MessageBusSettings,
  services: MessageBusServices,
): Promise<MessageBus> {
  const identity = await ensureBusIdentity(services);
  const readers = new BusReaders();
  const known = await services.storage.read(async ({ busReaders }) =>
    await busReaders.all()
  );
  for (const reader of known) readers.put(reader);
  const user = await ownUser(identity.account);
  return new MessageBus(settings, services, identity, user, readers);
}

/**
 * A second way for events to nodes: the same signed envelopes on a JetStream
 * stream, beside the event streams, which know nothing of it and wait for
 * nothing of it.
 */
export class MessageBus implements Part {
  readonly name = "message bus";
  readonly #settings: MessageBusSettings;
  readonly #services: MessageBusServices;
  readonly #identity: BusIdentity;
  readonly #user: BusUser;
  readonly #readers: BusReaders;
  readonly #publisher: BusPublisher;
  /** Undefined while the bus is away. */
  #stream: BusStream | undefined;
  /** Nodes whose consumer is being removed. */
  readonly #leaving = new Map<string, Promise<void>>();
  #isKnownAway = false;
  #issued = 0;

  constructor(
    settings: MessageBusSettings,
    services: MessageBusServices,
    identity: BusIdentity,
    user: BusUser,
    readers: BusReaders,
  ) {
    this.#settings = settings;
    this.#services = services;
    this.#identity = identity;
    this.#user = user;
    this.#readers = readers;
    this.#publisher = new BusPublisher({ ...services, readers });
  }

  /** What its server has to know of this control plane. */
  get config(): BusConfig {
    return this.#identity.config;
  }

  /** Where nodes find it. */
  get servers(): readonly string[] {
    return this.#settings.advertised ?? this.#settings.servers;
  }

  get state(): "connected" | "away" {
    return this.#stream ? "connected" : "away";
  }

  /** How many nodes read from it. */
  get readers(): number {
    return this.#readers.size;
  }

  get counts(): Readonly<PublishedCounts> & { readonly issued: number } {
    return { ...this.#publisher.counts, issued: this.#issued };
  }

  /** Sequence of the last event that is done with; undefined before it was there. */
  get sequence(): number | undefined {
    return this.#publisher.sequence;
  }

  /**
   * New credentials for a node. The first ones need the bus, since its consumer
   * must be there before anything is published for it; others do not.
   *
   * @throws {ProblemError} 503 "message_bus_unavailable" and 404
   * "node_not_found".
   */
  async credentialsFor(node: Node): Promise<CarrierCredentials> {
    const { storage, io } = this.#services;
    await this.#leaving.get(node.id);
    const { domain, newest } = await storage.read(async (rows) => ({
      domain: await rows.domains.byId(node.domainId),
      newest: await rows.events.lastSequence(),
    }));
    const { credentials, expiresAtMs } = await nodeCredentials({
      node,
      domainName: domain?.name,
      servers: this.servers,
      ttlMs: this.#settings.credentialsTtlMs ?? DEFAULT_TTL_MS,
      account: this.#identity.account,
      io,
    });
    const { id: nodeId, domainId, dialect } = node;
    const known = this.#readers.get(nodeId);
    if (!known) await this.#makeConsumer(nodeId, domainId);
    const since = known?.since ?? newest;
    const reader = { nodeId, domainId, dialect, since, expiresAtMs };
    this.#readers.put(reader);
    const isKept = await storage.write(async ({ busReaders }) =>
      await busReaders.keep(reader)
    );
    if (!isKept) {
      // It was removed or revoked meanwhile.
      this.forget(nodeId);
      throw new ProblemError(404, "node_not_found");
    }
    this.#issued++;
    return credentials;
  }

  /** Takes from a node what it could read: its credentials open nothing then. */
  forget(nodeId: string): void {
    const { storage, io } = this.#services;
    this.#readers.remove(nodeId);
    const before = this.#leaving.get(nodeId);
    const leave = async () => {
      await before;
      try {
        await storage.write(async ({ busReaders }) =>
          await busReaders.remove(nodeId)
        );
        await this.#stream?.removeConsumer(consumerOf(nodeId));
      } catch (error) {
        // What is left is removed with the next connection.
        io.log.debug("A consumer of the message bus was not removed", {
          node_id: nodeId,
          error: describeError(error),
        });
      }
    };
    const leaving = leave().finally(() => {
      // Only the last one: who asks for credentials waits for all.
      if (this.#leaving.get(nodeId) === leaving) this.#leaving.delete(nodeId);
    });
    this.#leaving.set(nodeId, leaving);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#services.io;
    surviveStrayFailures(log);
    const plain = this.#settings.servers.filter(isReadByOthers);
    if (plain.length > 0) {
      log.warn("What goes to the message bus can be read on the way", {
        servers: plain.join(", "),
      });
    }
    try {
      await Promise.all([this.#serve(signal), this.#prune(signal)]);
    } finally {
      await Promise.all(this.#leaving.values());
    }
  }

  async #makeConsumer(nodeId: string, domainId: string) {
    try {
      if (!this.#stream) throw new Error("The message bus is away");
      await this.#stream.addConsumer({ nodeId, domainId });
    } catch (error) {
      this.#services.io.log.debug("No consumer was made", {
        node_id: nodeId,
        error: describeError(error),
      });
      throw new ProblemError(503, "message_bus_unavailable", {
        detail: "The message bus is away; the event stream is not",
        headers: { "retry-after": String(ASK_AGAIN_S) },
      });
    }
  }

  async #serve(signal: AbortSignal) {
    const { clock, random } = this.#services.io;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#connected(signal, () => failures = 0);
      } catch (error) {
        this.#noteAway(error);
      }
      this.#stream = undefined;
      const step = Math.min(FIRST_WAIT_MS * 2 ** failures++, LONGEST_WAIT_MS);
      const waitMs = step * (1 - JITTER + 2 * JITTER * random.unit());
      await clock.sleep(waitMs, signal).catch(() => {});
    }
  }

  /** Serves as long as one connection lives. @throws what ended it. */
  async #connected(signal: AbortSignal, isThere: () => void) {
    const { fanOut } = this.#services;
    const { servers, ca } = this.#settings;
    const connection = await connectBus({
      servers,
      ...(ca === undefined ? {} : { ca }),
      user: this.#user,
    });
    const over = new AbortController();
    const ends = AbortSignal.any([signal, over.signal]);
    const closed = connection.closed().then((error) =>
      over.abort(error ?? new Error("The connection was closed"))
    );
    const bell = new Bell();
    const unsubscribe = fanOut.subscribeToAll(() => bell.ring());
    const hangUp = () => connection.close();
    signal.addEventListener("abort", hangUp);
    try {
      const isOurs = await this.#publisher.knowsStream();
      const stream = await BusStream.open(connection, !isOurs);
      await this.#publisher.resume(stream);
      await this.#match(stream);
      this.#stream = stream;
      let isNoted = false;
      while (!ends.aborted) {
        // Before looking, so that what comes meanwhile is not missed.
        bell.reset();
        const hasMore = await this.#publisher.publishNext(stream);
        // One that lets in and then takes nothing is as good as away.
        if (!isNoted) {
          this.#noteThere();
          isThere();
          isNoted = true;
        }
        if (!hasMore) await bell.rung(ends);
      }
      if (!signal.aborted) throw ends.reason;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#stream = undefined;
      signal.removeEventListener("abort", hangUp);
      unsubscribe();
      await connection.close();
      await closed;
    }
  }

  /** Gives each reader its consumer, and takes those that nobody may use. */
  async #match(stream: BusStream) {
    const there = await stream.consumers();
    const wanted = new Set<string>();
    const missing = this.#readers.all().filter(({ nodeId }) => {
      wanted.add(consumerOf(nodeId));
      return !there.has(consumerOf(nodeId));
    });
    await eachOf(missing, (reader) => stream.addConsumer(reader));
    const useless = [...there].filter((name) => !wanted.has(name));
    await eachOf(useless, (name) => stream.removeConsumer(name));
  }

  /** Once its credentials are over for as long as events stay, all is gone. */
  async #prune(signal: AbortSignal) {
    const { clock } = this.#services.io;
    while (!signal.aborted) {
      const over = clock.now() - MAX_AGE_MS;
      for (const { nodeId, expiresAtMs } of this.#readers.all()) {
        if (expiresAtMs < over) this.forget(nodeId);
      }
      await clock.sleep(PRUNE_EVERY_MS, signal).catch(() => {});
    }
  }

  /** Once for each time that it goes away. */
  #noteAway(error: unknown) {
    if (this.#isKnownAway) return;
    this.#isKnownAway = true;
    this.#services.io.log.warn(
      "The message bus is away; event streams go on as before",
      { servers: this.#settings.servers.join(", "), error },
    );
  }

  #noteThere() {
    this.#isKnownAway = false;
    this.#services.io.log.info("The message bus is there", {
      servers: this.#settings.servers.join(", "),
      readers: this.#readers.size,
    });
  }
}

function isReadByOthers(server: string): boolean {
  return /^nats:\/\/(?!localhost:|127\.|\[::1\]:)/.test(server);
}

/** Wakes one that waits, also when it rang before. */
class Bell {
  #ring = Promise.withResolvers<void>();

  ring(): void {
    this.#ring.resolve();
  }

  reset(): void {
    this.#ring = Promise.withResolvers();
  }

  /** Resolves at the next ring, or at the end. */
  async rung(end: AbortSignal): Promise<void> {
    const stop = () => this.ring();
    if (end.aborted) return;
    end.addEventListener("abort", stop, { once: true });
    await this.#ring.promise;
    end.removeEventListener("abort", stop);
  }
}

/** Does something with each, some at a time. */
async function eachOf<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: CONSUMERS_AT_ONCE }, worker));
}
