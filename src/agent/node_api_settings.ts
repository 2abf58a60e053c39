import type { Config } from "../config/settings.ts";
import type { NodeApiSettings } from "../node_api/node_api.ts";

/** The local API's part of the configuration. */
export function nodeApiSettings(config: Config): NodeApiSettings {
  const tokenFile = config["node_api.http_token_file"];
  return {
    socketPath: config["node_api.socket_path"],
    secretsSocketPath: config["node_api.secrets_socket_path"],
    splitSecrets: config["node_api.split_secrets"],
    maxConnections: config["node_api.max_connections"],
    shutdownTimeoutMs: config["node_api.shutdown_timeout"],
    group: config["node_api.group"],
    secretsGroup: config["node_api.secrets_group"],
    ...(config["node_api.http_enabled"] && tokenFile !== undefined
      ? {
        http: {
          listen: config["node_api.http_listen"],
          tokenFile,
          secrets: config["node_api.http_secrets"],
          hosts: config["node_api.http_hosts"],
          headerTimeoutMs: config["node_api.header_timeout"],
          idleTimeoutMs: config["node_api.idle_timeout"],
        },
      }
      : {}),
  };
}
