import { parseFirstValue } from "../wire/raw_json.ts";
import { ControlError } from "./control_error.ts";
import { decodeAnswer, withoutNulls } from "./decode_answer.ts";
import { callOf, type HttpCall, nameOf, type Place } from "./http_call.ts";
import type { HttpCaller } from "./http_caller.ts";
import { isWebPage } from "./web_page.ts";

/** Where {@linkcode NodeCalls} go, and as whom. */
export interface NodeCallsOptions<Name extends string> {
  readonly http: HttpCaller;
  /** Every call of the dialect. */
  readonly places: Readonly<Record<Name, Place>>;
  readonly nodeId: string;
  /** The bearer of each call: not all of them need take the same one. */
  readonly bearer: (name: Name) => string;
}

/** Values of a path beside the node's id. */
export type PathValues = Readonly<Record<string, string>>;

/** What a call may carry. */
export type Extra = Pick<HttpCall, "json" | "ndjson" | "headers">;

/** The calls of one registered node: paths, bearer, answers. */
export class NodeCalls<Name extends string> {
  constructor(readonly options: NodeCallsOptions<Name>) {}

  /** Makes a call and gives its answer as text. */
  text(
    name: Name,
    values: PathValues,
    extra: Extra,
    signal: AbortSignal,
  ): Promise<string> {
    const { http } = this.options;
    return http.text({ ...this.callTo(name, values), ...extra }, signal);
  }

  /**
   * Makes a call and reads its answer, a JSON object, with `read`. An empty
   * answer is an empty object, and a null member counts as absent.
   */
  async json<T>(
    name: Name,
    values: PathValues,
    extra: Extra,
    read: (value: unknown) => T,
    signal: AbortSignal,
  ): Promise<T> {
    const text = await this.text(name, values, extra, signal);
    return decodeAnswer(name, () => {
      const value = text.trim() === "" ? {} : parseFirstValue(text).value;
      return read(withoutNulls(value));
    });
  }

  /**
   * Makes a call whose answer is not read. One that is a web page comes from
   * somebody in between, such as a page about maintenance: what it answers has
   * not been taken.
   *
   * @throws {ControlError} kind "bad_answer" for a web page.
   */
  async tell(
    name: Name,
    values: PathValues,
    extra: Extra,
    signal: AbortSignal,
  ): Promise<void> {
    const call = { ...this.callTo(name, values), ...extra };
    const { headers, bytes } = await this.options.http.bytes(call, signal);
    const start = new TextDecoder().decode(bytes.subarray(0, 1_024));
    if (!isWebPage(headers, start)) return;
    throw new ControlError(
      "bad_answer",
      `${nameOf(call)} was answered with a web page`,
    );
  }

  /** Makes a call whose answer says nothing, but is one of a control plane. */
  done(
    name: Name,
    values: PathValues,
    extra: Extra,
    signal: AbortSignal,
  ): Promise<void> {
    return this.json(name, values, extra, () => {}, signal);
  }

  /**
   * A call without a body.
   *
   * @throws {ControlError} kind "not_found" for a name that fits no path.
   */
  callTo(name: Name, values: PathValues = {}): HttpCall {
    const { places, nodeId, bearer } = this.options;
    const call = callOf(places[name], { node_id: nodeId, ...values });
    return { ...call, bearer: bearer(name) };
  }
}
