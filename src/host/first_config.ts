import type { Places } from "./places.ts";

/** What the first configuration says. */
export interface FirstConfig {
  /** Base URL of the control plane. */
  readonly api?: string;
  /** Where releases come from. */
  readonly updatesUrl?: string;
  /** PEM text of the key that signs them, unless the program knows it. */
  readonly updatesKey?: string;
}

/** The text of the configuration that an installation begins with. */
export function firstConfig(places: Places, first: FirstConfig): string {
  const { api, updatesUrl, updatesKey } = first;
  const lines = [
    "# Settings of plexd. All of them: man plexd-config; the ones in force:",
    "# plexd config show.",
    "",
  ];
  if (api === undefined) {
    lines.push(
      "# Where the control plane of this node is. Without it nothing starts.",
      "# api:",
      "#   base_url: https://control-plane.example",
    );
  } else lines.push("api:", `  base_url: ${JSON.stringify(api)}`);
  if (updatesUrl !== undefined || updatesKey !== undefined) {
    lines.push("", "# Where plexd upgrade looks for releases.", "updates:");
    if (updatesUrl !== undefined) {
      lines.push(`  base_url: ${JSON.stringify(updatesUrl)}`);
    }
    if (updatesKey !== undefined) {
      lines.push(`  key_file: ${JSON.stringify(places.releaseKey)}`);
    }
  }
  if (!places.isSystem) lines.push("", ...ownPlaces(places));
  return lines.join("\n") + "\n";
}

/** Everything that would lie in folders of the system otherwise. */
function ownPlaces(
  { dataDir, runDir, tokenFile, machineKey }: Places,
): string[] {
  return [
    `data_dir: ${JSON.stringify(dataDir)}`,
    "registration:",
    `  token_file: ${JSON.stringify(tokenFile)}`,
    "node_api:",
    `  socket_path: ${JSON.stringify(`${runDir}/api.sock`)}`,
    `  secrets_socket_path: ${JSON.stringify(`${runDir}/secrets.sock`)}`,
    '  group: ""',
    '  secrets_group: ""',
    "seal:",
    `  key_file: ${JSON.stringify(machineKey)}`,
  ];
}
