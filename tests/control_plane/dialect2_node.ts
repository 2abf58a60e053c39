import assert from "node:assert/strict";
import { Keyring } from "../../src/trust/keyring.ts";
import { parseSigningKeysPayload2 } from "../../src/trust/signing_keys_payload2.ts";
import { EventVerifier2 } from "../../src/trust/verify_event2.ts";
import { bearerFor } from "../../src/uplink/bearer.ts";
import { parseEnvelope2 } from "../../src/wire/dialect2/parse_envelope2.ts";
import type { VerifiedEvent } from "../../src/wire/envelope.ts";
import {
  type Answer,
  newPublicKey,
  type RunningPlane,
} from "./running_plane.ts";
import type { SseFrame, SseReader } from "./sse_reader.ts";

export const PROJECT = "0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0c0";

export function token2(
  plane: RunningPlane,
  body: Record<string, unknown> = {},
): Promise<string> {
  return plane.token({ dialect: 2, ...body });
}

/** A registration as an agent sends it, with parts replaced. */
export function request2(
  token: string,
  body: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    project_id: PROJECT,
    resource_handle: "web-1",
    bootstrap_token: token,
    nonce: crypto.randomUUID(),
    public_key: newPublicKey(),
    ...body,
  };
}

export function register2(
  plane: RunningPlane,
  body: Record<string, unknown>,
): Promise<Answer> {
  return plane.call("POST", "/v1/register", { body });
}

/** A new node of dialect 2. */
export async function join2(
  plane: RunningPlane,
  token: Record<string, unknown> = {},
): Promise<TestNode2> {
  const answer = await register2(plane, request2(await token2(plane, token)));
  assert.equal(answer.status, 201, answer.text);
  return new TestNode2(plane, answer.json);
}

/** A registered node of dialect 2 as the tests see it. */
export class TestNode2 {
  readonly id: string;
  readonly nsk: string;
  readonly bearer: string;
  readonly domainId: string;
  readonly meshIp: string;

  constructor(
    readonly plane: RunningPlane,
    readonly registration: Record<string, unknown>,
  ) {
    this.id = String(registration["node_id"]);
    this.nsk = String(registration["nsk"]);
    this.bearer = bearerFor(2, this.id, this.nsk);
    this.domainId = String(registration["domain_id"]);
    this.meshIp = String(registration["mesh_ip"]);
  }

  call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.plane.call(method, `/v1/nodes/${this.id}${path}`, {
      bearer: this.bearer,
      body,
      headers,
    });
  }

  /** A call whose path names no node. */
  own(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.plane.call(method, path, { bearer: this.bearer, body });
  }

  async state(): Promise<Record<string, unknown>> {
    const answer = await this.call("GET", "/state");
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  }

  events(lastEventId?: string): Promise<SseReader> {
    const path = `/v1/nodes/${this.id}/events`;
    return this.plane.openStream(path, this.bearer, lastEventId);
  }

  /** A call of the admin API about this node, which must succeed. */
  async admin(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.plane.admin(
      method,
      `/nodes/${this.id}${path}`,
      body,
    );
    assert.ok(answer.status < 300, `${answer.status} ${answer.text}`);
    return answer;
  }
}

/** Verifies frames as the node's agent does. */
export function agentOf2(
  node: TestNode2,
): { take(frame: SseFrame): VerifiedEvent } {
  const keyring = new Keyring({
    current: String(node.registration["signing_public_key"]),
    currentId: String(node.registration["signing_key_id"]),
    retired: [],
    signedChange: false,
  });
  const { time: clock } = node.plane;
  const verifier = new EventVerifier2({ keyring, clock });
  return {
    take(frame) {
      const event = verifier.verify(parseEnvelope2(frame.data));
      assert.equal(event.type, frame.event);
      if (event.type === "signing_key_rotated") {
        const keys = parseSigningKeysPayload2(event.payload);
        keyring.replace(
          keyring.planSignedChange(keys, event.signedBy, clock.now()),
        );
      }
      return event;
    },
  };
}
