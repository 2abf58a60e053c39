import type { Clock } from "../../platform/clock.ts";
import { endOfAnswerHead, parseAnswerHead } from "./answer_head.ts";
import { BodyTracker, ChunkError } from "./body_tracker.ts";
import {
  BODY_TIMEOUT_MS,
  type GuardLimits,
  LINGER_MS,
  PATIENCE_MS,
  WRITE_TIMEOUT_MS,
} from "./limits.ts";
import {
  BODY_TOO_LATE,
  HEAD_TOO_LATE,
  malformed,
  type Refusal,
  type RefusalReason,
  TOO_MANY_CONNECTIONS,
  UNAVAILABLE,
} from "./refusal.ts";
import {
  HeadFinder,
  LARGEST_HEAD_BYTES,
  parseRequestHead,
  type RequestHead,
} from "./request_head.ts";

/** Bytes of an answer that are under way at a time. */
const ANSWER_BUFFER_BYTES = 32_768;

/** What a connection asks of its guard. */
export interface ConnectionHost {
  readonly clock: Clock;
  readonly limits: GuardLimits;
  /** Whether no further request is taken. */
  readonly isStopping: boolean;
  /** Opens a connection to the server behind the guard. */
  connect(): Promise<Deno.Conn>;
  /** Hears when a connection begins to wait for a request, or no longer does. */
  waiting(connection: GuardedConnection, isWaiting: boolean): void;
  /** Hears that a connection is dropped in the middle of a write. */
  lost(connection: GuardedConnection): void;
  refused(reason: RefusalReason): void;
}

/**
 * One connection of a stranger. Requests pass one at a time: head, body, answer;
 * what a client sends ahead waits in its own buffer, and then in the kernel's.
 * Two buffers of fixed size are all that it takes, and nothing is read from one
 * side before the other has taken what was read before.
 *
 * The connection behind belongs to this one alone and ends with it, so nobody
 * can leave bytes there for somebody else.
 *
 * Deadlines are two numbers, which the guard compares with the time now and then
 * (see {@linkcode check}): a timer for each call would cost more than the call.
 */
export class GuardedConnection {
  readonly #host: ConnectionHost;
  readonly #outer: Deno.Conn;
  #inner: Deno.Conn | undefined;
  #phase: Phase = "head";
  /** When what is awaited from the client must be there, in ms of `elapsed()`. */
  #readBy = Infinity;
  /** When the client must have taken something of what is being written. */
  #writeBy = Infinity;
  #waitingSince = 0;
  readonly #buffer = new Uint8Array(LARGEST_HEAD_BYTES);
  /** What has been read and not passed on lies between these. */
  #start = 0;
  #end = 0;
  readonly #finder = new HeadFinder();
  #answerBuffer: Uint8Array | undefined;
  /** Part of an answer may be on its way: no other one can be given. */
  #hasAnswered = false;
  /** Why the request under way is given up. */
  #givenUp: Refusal | undefined;
  /** What the client sends is of no interest any more. */
  #discards = false;

  constructor(host: ConnectionHost, outer: Deno.Conn) {
    this.#host = host;
    this.#outer = outer;
  }

  /** Serves the connection until it ends. Never rejects. */
  async run(): Promise<void> {
    try {
      await this.#serve();
    } catch {
      // Either side is gone, or was given up.
      await this.#explain();
    } finally {
      this.#host.waiting(this, false);
      this.drop();
    }
  }

  /** Tells a client that it is not wanted, and ends. Never rejects. */
  async turnAway(refusal: Refusal): Promise<void> {
    try {
      await this.#refuse(refusal);
    } catch {
      // It has left by itself.
    } finally {
      this.drop();
    }
  }

  /** Ends the connection at once. */
  drop(): void {
    close(this.#outer);
    this.#dropInner();
  }

  /** Ends it if it does nothing but wait for a request. */
  dropIfWaiting(): void {
    if (this.#phase === "head" || this.#phase === "idle") this.drop();
  }

  /** Lets a newer connection have its place, unless it has just begun to wait. */
  giveWay(): boolean {
    const waited = this.#host.clock.elapsed() - this.#waitingSince;
    if (waited < PATIENCE_MS) return false;
    this.#expire(TOO_MANY_CONNECTIONS);
    return true;
  }

  /** Ends it when a deadline is over. */
  check(nowMs: number): void {
    if (nowMs >= this.#writeBy) {
      this.#writeBy = Infinity;
      this.#host.refused("write_timeout");
      this.drop();
      this.#host.lost(this);
      return;
    }
    if (nowMs < this.#readBy) return;
    this.#readBy = Infinity;
    switch (this.#phase) {
      case "head":
        return this.#expire(HEAD_TOO_LATE);
      case "idle":
        this.#host.refused("idle_timeout");
        return this.drop();
      case "body":
        return this.#giveUp(BODY_TOO_LATE);
      case "leaving":
        return this.drop();
    }
  }

  async #serve(): Promise<void> {
    const { clock, limits } = this.#host;
    this.#await("head", clock.elapsed() + limits.headerTimeoutMs);
    for (;;) {
      const head = await this.#readHead();
      if (head === undefined) return;
      if ("status" in head) return await this.#refuse(head);
      this.#hasAnswered = false;
      try {
        this.#inner ??= await this.#host.connect();
      } catch {
        return await this.#refuse(UNAVAILABLE);
      }
      if (!await this.#exchange(head) || this.#host.isStopping) return;
      this.#await("idle", clock.elapsed() + limits.idleTimeoutMs);
    }
  }

  #await(phase: "head" | "idle", readBy: number) {
    this.#waitingSince = this.#host.clock.elapsed();
    this.#phase = phase;
    this.#readBy = readBy;
    this.#host.waiting(this, true);
  }

  /** @returns undefined when the client has left. */
  async #readHead(): Promise<RequestHead | Refusal | undefined> {
    const { clock, limits } = this.#host;
    // A head that was sent ahead begins where the one before has ended.
    this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    this.#finder.reset();
    for (;;) {
      if (this.#end > 0) {
        if (this.#phase === "idle") {
          this.#phase = "head";
          this.#readBy = clock.elapsed() + limits.headerTimeoutMs;
        }
        const found = this.#finder.find(this.#buffer.subarray(0, this.#end));
        if (typeof found === "object") return found;
        if (found !== undefined) {
          this.#host.waiting(this, false);
          this.#phase = "answer";
          this.#readBy = Infinity;
          this.#start = found;
          return parseRequestHead(this.#buffer.subarray(0, found));
        }
      }
      const size = await this.#outer.read(this.#buffer.subarray(this.#end));
      if (size === null) return undefined;
      this.#end += size;
    }
  }

  /**
   * Passes a request on, and its answer back.
   *
   * @returns whether another request may follow.
   */
  async #exchange(head: RequestHead): Promise<boolean> {
    const body = new BodyTracker(head.body);
    try {
      this.#start += body.take(this.#buffer.subarray(this.#start, this.#end));
    } catch (error) {
      if (!(error instanceof ChunkError)) throw error;
      await this.#refuse(malformed("malformed chunk"));
      return false;
    }
    await writeAll(this.#inner!, this.#buffer.subarray(0, this.#start));
    if (body.isComplete) {
      if (await this.#passAnswer(head.isHead)) return true;
      await this.#linger(undefined);
      return false;
    }
    this.#phase = "body";
    this.#readBy = this.#host.clock.elapsed() + BODY_TIMEOUT_MS;
    const passing = this.#passBody(body);
    try {
      const mayFollow = await this.#passAnswer(head.isHead);
      if (mayFollow && body.isComplete) return true;
      await this.#linger(passing);
      return false;
    } catch (error) {
      // What was given up is explained while the rest of the body is read.
      await this.#explain(passing);
      throw error;
    }
  }

  /** Passes the rest of a body on, or throws it away once it has no use. */
  async #passBody(body: BodyTracker): Promise<void> {
    let isWanted = true;
    try {
      for (;;) {
        const size = await this.#outer.read(this.#buffer);
        if (size === null) break;
        if (this.#discards || !isWanted) continue;
        const taken = body.take(this.#buffer.subarray(0, size));
        // A server that has answered already may have hung up.
        isWanted = await writeAll(
          this.#inner!,
          this.#buffer.subarray(0, taken),
        ).then(() => true, () => false);
        if (!body.isComplete) continue;
        [this.#start, this.#end] = [taken, size];
        if (this.#phase === "body") {
          this.#phase = "answer";
          this.#readBy = Infinity;
        }
        return;
      }
    } catch (error) {
      if (error instanceof ChunkError) {
        this.#givenUp = malformed("malformed chunk");
      }
    }
    // Half a request is none.
    if (!this.#discards) this.#dropInner();
  }

  /** @returns whether both sides are ready for another request. */
  async #passAnswer(toHead: boolean): Promise<boolean> {
    const inner = this.#inner!;
    const buffer = this.#answerBuffer ??= new Uint8Array(ANSWER_BUFFER_BYTES);
    let size = 0;
    for (;;) {
      let end = endOfAnswerHead(buffer.subarray(0, size), 0);
      while (end < 0) {
        const more = await inner.read(buffer.subarray(size));
        if (!more) throw new Deno.errors.UnexpectedEof("No answer");
        end = endOfAnswerHead(buffer.subarray(0, size + more), size);
        size += more;
      }
      const head = parseAnswerHead(buffer.subarray(0, end), toHead);
      const body = new BodyTracker(head.body);
      let taken = end + body.take(buffer.subarray(end, size));
      this.#hasAnswered ||= !head.isInterim;
      await this.#write(buffer.subarray(0, taken));
      if (head.isInterim) {
        buffer.copyWithin(0, taken, size);
        size -= taken;
        continue;
      }
      while (!body.isComplete) {
        const more = await inner.read(buffer);
        if (more === null) return false;
        taken = body.take(buffer.subarray(0, more));
        size = more;
        await this.#write(buffer.subarray(0, taken));
      }
      return taken === size && !head.isLast;
    }
  }

  /** Writes to the client; it must take something in time. */
  async #write(bytes: Uint8Array): Promise<void> {
    const { clock } = this.#host;
    for (let at = 0; at < bytes.length;) {
      this.#writeBy = clock.elapsed() + WRITE_TIMEOUT_MS;
      at += await this.#outer.write(at === 0 ? bytes : bytes.subarray(at));
    }
    this.#writeBy = Infinity;
  }

  /** Gives the request up; whoever works on it fails and explains why. */
  #giveUp(refusal: Refusal) {
    this.#givenUp = refusal;
    this.#dropInner();
  }

  /** Tells the client why its request was given up, if it still can be told. */
  async #explain(passing?: Promise<void>): Promise<void> {
    const refusal = this.#givenUp;
    if (!refusal || this.#hasAnswered) return;
    this.#givenUp = undefined;
    await this.#refuse(refusal, passing).catch(() => {});
  }

  async #refuse(refusal: Refusal, passing?: Promise<void>): Promise<void> {
    this.#host.refused(refusal.reason);
    this.#hasAnswered = true;
    await this.#write(refusal.bytes);
    await this.#linger(passing);
  }

  /**
   * Closes this side and reads on for a while: a connection that is closed with
   * something unread in it is reset, and the client may never see its answer.
   *
   * @param passing Who reads already.
   */
  async #linger(passing: Promise<void> | undefined): Promise<void> {
    this.#dropInner();
    this.#discards = true;
    this.#phase = "leaving";
    this.#readBy = this.#host.clock.elapsed() + LINGER_MS;
    await this.#outer.closeWrite();
    await passing;
    while (await this.#outer.read(this.#buffer) !== null);
  }

  /** Says so and ends, while a read is under way that must not go on. */
  #expire(refusal: Refusal) {
    this.#host.refused(refusal.reason);
    const end = () => this.drop();
    // Whoever took nothing of what came before does not get this either.
    this.#writeBy = this.#host.clock.elapsed() + LINGER_MS;
    this.#phase = "leaving";
    this.#outer.write(refusal.bytes).then(end, end);
  }

  #dropInner() {
    if (this.#inner) close(this.#inner);
    this.#inner = undefined;
  }
}

/**
 * - `head`: a request's head is awaited, or part of it is there
 * - `idle`: the same after an answer, with nothing of it there yet
 * - `body`: a body is passed on, and maybe its answer back
 * - `answer`: the client has sent all that is wanted of it
 * - `leaving`: all is said
 */
type Phase = "head" | "idle" | "body" | "answer" | "leaving";

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await to.write(at === 0 ? bytes : bytes.subarray(at));
  }
}

function close(connection: Deno.Conn) {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
