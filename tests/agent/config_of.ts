import { loadConfig } from "../../src/config/load_config.ts";
import type { Config, SettingName } from "../../src/config/settings.ts";

/** A whole configuration: defaults, and these settings as a file has them. */
export async function configOf(
  settings: Partial<Record<SettingName, unknown>> = {},
): Promise<Config> {
  const folder = await Deno.makeTempDir({ prefix: "plexd-config-" });
  const path = `${folder}/config.yaml`;
  const tree: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(settings)) {
    const [section = "", key] = name.split(".");
    if (key === undefined) tree[section] = value;
    else tree[section] = { ...tree[section] as object, [key]: value };
  }
  try {
    await Deno.writeTextFile(path, JSON.stringify(tree), { mode: 0o600 });
    const file = { path, required: true };
    return (await loadConfig({ file, env: {}, flags: {} })).config;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
