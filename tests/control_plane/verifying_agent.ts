import assert from "node:assert/strict";
import { Keyring } from "../../src/trust/keyring.ts";
import { ReplayWindow } from "../../src/trust/replay_window.ts";
import { parseSigningKeysPayload } from "../../src/trust/signing_keys_payload.ts";
import { EventVerifier } from "../../src/trust/verify_event.ts";
import type { VerifiedEvent } from "../../src/wire/envelope.ts";
import type { TestNode } from "./running_plane.ts";
import type { SseFrame } from "./sse_reader.ts";

/** Verifies frames as the node's agent does. */
export function agentOf(
  node: TestNode,
): { take(frame: SseFrame): VerifiedEvent } {
  const keyring = new Keyring({
    current: node.signingKey,
    retired: [],
    signedChange: false,
  });
  const { time: clock } = node.plane;
  const replayWindow = new ReplayWindow();
  const verifier = new EventVerifier({ keyring, replayWindow, clock });
  return {
    take(frame: SseFrame) {
      const event = verifier.verify(frame.envelope);
      if (event.type === "signing_key_rotated") {
        const keys = parseSigningKeysPayload(event.payload);
        assert.equal(keys.domainId, node.domainId);
        keyring.replace(
          keyring.planSignedChange(keys, event.signedBy, clock.now()),
        );
      }
      return event;
    },
  };
}
