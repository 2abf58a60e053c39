import { hostname } from "node:os";
import type { Config } from "../config/settings.ts";

/** The name of this host, as the control plane knows it. */
export function hostNameOf(config: Config): string {
  return config["registration.hostname"] ?? hostname();
}
