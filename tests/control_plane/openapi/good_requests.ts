import { encodeBase64 } from "../../../src/wire/base64.ts";
import { newPublicKey } from "../running_plane.ts";

const TIME = "2026-03-01T12:00:00Z";
const SHA256 = encodeBase64(new Uint8Array(32));

/**
 * A request body for each operation that takes one, as it would be taken: one
 * for dialect 1 and one for dialect 2 where they differ. An operation that is
 * not here fails the tests that go through all of them.
 */
export const GOOD_REQUESTS: Readonly<Record<string, readonly unknown[]>> = {
  RegisterNode: [
    { token: "x", public_key: newPublicKey(), hostname: "h" },
    {
      project_id: "0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0c0",
      resource_handle: "h",
      bootstrap_token: `psb_dev_any_node_${"a".repeat(52)}`,
      nonce: "n",
      public_key: newPublicKey(),
    },
  ],
  IssueCarrierCredentials: [{ carrier: "nats" }, { carrier: "nats" }],
  PostHeartbeat: [
    {
      node_id: "",
      timestamp: TIME,
      status: "healthy",
      uptime: "1s",
      binary_checksum: "",
    },
    {
      client_now: TIME,
      binary_checksum: SHA256,
      binary_version: "1",
      nat_summary: {},
    },
  ],
  PostReports: [{
    entries: [{
      key: "k",
      content_type: "a/b",
      payload: 1,
      version: 1,
      updated_at: TIME,
    }],
    deleted: [],
  }],
  PutNodeReport: [{ value: "1", workload_tag: "t" }],
  PostDrift: [{
    timestamp: TIME,
    corrections: [{ type: "data_updated", detail: "k" }],
  }],
  RotateNodeKey: [
    { node_id: "n", new_public_key: newPublicKey() },
    { new_public_key: newPublicKey() },
  ],
  PutCapabilities: [
    { builtin_actions: [], hooks: [] },
    { binary_version: "1", binary_checksum: SHA256 },
  ],
  PutEndpoint: [
    { public_endpoint: "192.0.2.1:51820", nat_type: "none" },
    { endpoint: "192.0.2.1:51820", nat_type: "unknown", reported_at: TIME },
  ],
  AcknowledgeExecution: [
    { execution_id: "x", status: "accepted", reason: "" },
  ],
  FinishExecution: [{
    execution_id: "x",
    status: "success",
    exit_code: 0,
    stdout: "",
    stderr: "",
    duration: "1s",
    finished_at: TIME,
  }],
  PostExecutionStep: [{ status: "ack" }],
  PostMetrics: [
    [{ timestamp: TIME, group: "g", data: {} }],
    [{ group: "agent_stats", name: "n", value: 1, timestamp: TIME }],
  ],
  PostLogs: [
    [{
      timestamp: TIME,
      source: "s",
      unit: "u",
      message: "m",
      severity: "info",
      hostname: "h",
    }],
    { severity: "info", message: "m", timestamp: TIME },
  ],
  PostAudit: [
    [{
      timestamp: TIME,
      source: "s",
      event_type: "e",
      subject: {},
      object: {},
      action: "a",
      result: "success",
      hostname: "h",
      raw: "",
    }],
    { source: "k8s", action: "a", outcome: "o", timestamp: TIME },
  ],
  CreateOperator: [{ name: "new", scopes: ["read"] }],
  CreateToken: [{ ttl: "1m" }],
  CreateDomain: [{ name: "new" }],
  AdminCreateDomain: [{ name: "new" }],
  CreateDomainNode: [{ public_key: newPublicKey(), hostname: "h" }],
  AdminCreateDomainNode: [{ public_key: newPublicKey(), hostname: "h" }],
  SetMetadata: [{ value: "new" }],
  SetData: [{ content_type: "a/b", payload: "new" }],
  SetSecret: [{ value: "new" }],
  SetPolicy: [{
    rules: [{ src: "a", dst: "b", port: 1, protocol: "tcp", action: "allow" }],
  }],
  SetBridge: [{ relay: { new: 1 } }],
  SetService: [{ roles: ["new"] }],
  RequestAction: [{ action: "restart" }],
  CreateSession: [{
    target_host: "10.42.0.1",
    target_port: 22,
    authorized_key: "ssh-ed25519 AAAA",
    expires_at: "2026-03-01T13:00:00Z",
  }],
  RotateSigningKey: [{ transition: "1m" }],
};
