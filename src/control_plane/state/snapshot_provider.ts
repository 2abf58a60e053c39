import { createHash } from "node:crypto";
import type { RenderContent, SnapshotSigner } from "../signed_snapshots.ts";
import type { Node, Rows, Storage } from "../storage/storage.ts";

/** The answer of a pull. */
export interface RenderedState {
  /** Large: put together when it is asked for, as it mostly is not. */
  readonly text: string;
  /** What tells one state from another; not the time of the last heartbeat. */
  readonly stable: readonly string[];
}

/** The two forms of a node's state in its dialect. */
export interface StateForms {
  /** The answer of a pull. */
  readonly plain: (rows: Rows, node: Node) => Promise<RenderedState>;
  /** The same without reachability: what goes into a signed snapshot. */
  readonly content: RenderContent;
}

/** A node's state as text, and the version that it shows. */
export interface ProvidedState {
  readonly text: string;
  readonly version: number;
  /**
   * Weak entity tag (RFC 9110, 8.8.3): other states have another one, while a
   * heartbeat alone changes nothing. Absent of signed ones, of which each has
   * a lifetime of its own.
   */
  readonly etag?: string;
}

/** Gate 4: makes the state of a node, whole or not at all. */
export interface SnapshotProvider {
  /** @returns undefined when there is no such node any more. */
  snapshotForNode(
    node: Pick<Node, "id">,
    forms: StateForms,
    form: "plain" | "signed",
  ): Promise<ProvidedState | undefined>;
}

/** Makes states of what is stored. */
export function storedSnapshots(
  storage: Storage,
  signer: SnapshotSigner,
): SnapshotProvider {
  return {
    snapshotForNode: ({ id }, forms, form) =>
      form === "signed"
        ? signer.stateOf(id, forms.content)
        : storage.read(async (rows) => {
          // Looked up again, so that version and content are of one view.
          const node = await rows.nodes.byId(id);
          if (!node) return undefined;
          const state = await forms.plain(rows, node);
          return {
            get text() {
              return state.text;
            },
            version: node.stateVersion,
            etag: etagOf(state.stable),
          };
        }),
  };
}

function etagOf(parts: readonly string[]): string {
  const hash = createHash("sha256").update(JSON.stringify(parts));
  return `W/"${hash.digest("base64url")}"`;
}
