import { parseFirstValue } from "../wire/raw_json.ts";
import { SNAPSHOT_MEDIA_TYPE } from "../wire/signed_snapshot.ts";
import {
  APPLIED_HEADER,
  formatApplied,
  parseBundleVersion,
  TRUST_BUNDLE_HEADER,
} from "../wire/snapshot_headers.ts";
import type { DesiredState, StatePosition } from "../wire/state.ts";
import { decodeText } from "./answer_body.ts";
import { ControlError } from "./control_error.ts";
import { decodeAnswer } from "./decode_answer.ts";
import type { HttpCall } from "./http_call.ts";
import type { HttpAnswer, HttpCaller } from "./http_caller.ts";
import { mediaTypeOf } from "./media_type.ts";

/** What a pull brought, before anything about it is believed. */
export type PulledAnswer =
  | { readonly kind: "plain"; readonly state: DesiredState }
  | {
    readonly kind: "signed";
    /** Text of a signed snapshot. */
    readonly text: string;
    /** Version of the trust bundle in force, when it is told. */
    readonly bundleVersion?: number;
  };

/** Options for {@linkcode StatePulls}. */
export interface StatePullsOptions {
  readonly http: Pick<HttpCaller, "bytes">;
  /** The call that pulls the state, without headers. */
  readonly call: () => HttpCall;
  /** Reads the state document of the dialect. */
  readonly parse: (text: string) => DesiredState;
}

/**
 * Pulls the state of a node, signed where the control plane signs. One that
 * answers 406 does not know how, and is not asked for it again.
 *
 * @see design, section 8 "Signed snapshots"
 */
export class StatePulls {
  readonly #options: StatePullsOptions;
  #onlyPlain = false;

  constructor(options: StatePullsOptions) {
    this.#options = options;
  }

  /** @param applied The signed snapshot that was activated last. */
  async pull(
    applied: StatePosition | undefined,
    signal: AbortSignal,
  ): Promise<PulledAnswer> {
    const { headers, bytes } = await this.#ask(applied, signal);
    const text = decodeText(bytes);
    if (mediaTypeOf(headers) === SNAPSHOT_MEDIA_TYPE) {
      const hint = parseBundleVersion(headers.get(TRUST_BUNDLE_HEADER));
      return {
        kind: "signed",
        text,
        ...(hint === undefined ? {} : { bundleVersion: hint }),
      };
    }
    const { parse } = this.#options;
    const state = decodeAnswer("state", () => parse(parseFirstValue(text).raw));
    return { kind: "plain", state };
  }

  async #ask(
    applied: StatePosition | undefined,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { http, call } = this.#options;
    const plain: HttpCall = {
      ...call(),
      ...(applied
        ? { headers: { [APPLIED_HEADER]: formatApplied(applied) } }
        : {}),
    };
    if (this.#onlyPlain) return await http.bytes(plain, signal);
    try {
      const accept = `${SNAPSHOT_MEDIA_TYPE}, application/json;q=0.9`;
      return await http.bytes({ ...plain, accept }, signal);
    } catch (error) {
      if (!(error instanceof ControlError) || error.status !== 406) throw error;
      this.#onlyPlain = true;
      return await http.bytes(plain, signal);
    }
  }
}
