import { bearerFor } from "../../src/uplink/bearer.ts";
import { ControlClient } from "../../src/uplink/control_client.ts";
import { Dialect2Uplink } from "../../src/uplink/dialect2_uplink.ts";
import type { HttpCaller } from "../../src/uplink/http_caller.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import type { SeenRequest } from "./serve.ts";

export const NODE_ID = "0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a2";
export const NSK = "Qa53OH6BQFZcLQks/xO1aZG5Hb57Ms6Mn7Z7Fyqj/58=";
export const BEARER =
  "nsk_plexd_AZCouKDAegqKCqCgoKCgokGudzh-gUBWXC0JLP8TtWmRuR2-ezLOjJ-2excqo_-f";

export const never: AbortSignal = new AbortController().signal;

/** A node of dialect 2 that calls the server at `url`. */
export interface TestNode {
  readonly uplink: Dialect2Uplink;
  readonly http: HttpCaller;
  readonly clock: FakeClock;
  readonly log: MemoryLog;
}

export function nodeAt(url: string): TestNode {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const version = "1.2.3";
  const { http } = new ControlClient({ baseUrl: url, version, clock, log });
  const bearer = bearerFor(2, NODE_ID, NSK);
  const uplink = new Dialect2Uplink({
    http,
    nodeId: NODE_ID,
    bearer: () => bearer,
    version,
    clock,
  });
  return { uplink, http, clock, log };
}

/** A problem document, as dialect 2 answers errors. */
export function problem(
  status: number,
  code?: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const body = {
    type: "about:blank",
    title: "No",
    status,
    detail: "It does not work",
    instance: "/v1",
    ...(code === undefined ? {} : { code }),
  };
  return Response.json(body, {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

/** The body of a request as text, unpacked when it was packed. */
export async function textOf({ body, headers }: SeenRequest): Promise<string> {
  if (headers.get("content-encoding") !== "gzip") {
    return new TextDecoder().decode(body);
  }
  const plain = new Blob([body]).stream()
    .pipeThrough(new DecompressionStream("gzip"));
  return await new Response(plain).text();
}

/** The JSON body of a request. */
export async function jsonOf(
  request: SeenRequest | undefined,
): Promise<unknown> {
  return request && JSON.parse(await textOf(request));
}
