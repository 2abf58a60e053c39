import type { RenderContent, SnapshotSigner } from "../signed_snapshots.ts";
import type { Node, Storage } from "../storage/storage.ts";

/** The two forms of a node's state in its dialect. */
export interface StateForms {
  /** The answer of a pull. */
  readonly plain: RenderContent;
  /** The same without reachability: what goes into a signed snapshot. */
  readonly content: RenderContent;
}

/** A node's state as text, and the version that it shows. */
export interface ProvidedState {
  readonly text: string;
  readonly version: number;
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
          const text = await forms.plain(rows, node);
          return { text, version: node.stateVersion };
        }),
  };
}
