import { LOG_LEVELS } from "../../platform/log.ts";
import type { Flag, OwnExit } from "../command.ts";
import { OUTPUT_FORMS } from "../output/forms.ts";

export const TOKEN_FILE: Flag = {
  name: "--token-file",
  value: "FILE",
  doc: "file of the one-time bootstrap token; - reads standard input",
  setting: "registration.token_file",
};

export const TOKEN_FILE_OF_AGENT: Flag = {
  ...TOKEN_FILE,
  doc: "file of the one-time bootstrap token, for the first start",
};

export const DIE_WITH_STDIN: Flag = {
  name: "--die-with-stdin",
  doc: "end when standard input ends",
  hidden: true,
};

export const USERS_LOCK: Flag = {
  name: "--users-lock",
  value: "FILE",
  doc: "leave this lock in the end; the last one removes its folder",
  hidden: true,
};

/** What decides which agent, and which of its settings, a command is about. */
export const AGENT_FLAGS: readonly Flag[] = [
  {
    name: "--config",
    value: "FILE",
    doc: "configuration file (default /etc/plexd/config.yaml)",
  },
  {
    name: "--cluster",
    value: "NAME",
    doc: "membership (default: default)",
    setting: "cluster",
  },
  {
    name: "--data-dir",
    value: "DIR",
    doc: "data folder (default /var/lib/plexd)",
    setting: "data_dir",
  },
];

export const API: Flag = {
  name: "--api",
  value: "URL",
  doc: "base URL of the control plane",
  setting: "api.base_url",
};

export const LOG_FLAGS: readonly Flag[] = [
  {
    name: "--log-level",
    value: "LEVEL",
    doc: "debug, info, warn or error",
    choices: LOG_LEVELS,
    setting: "log_level",
  },
  {
    name: "--log-format",
    value: "FORMAT",
    doc: "auto, json or text",
    choices: ["auto", "json", "text"],
    setting: "log_format",
  },
];

export const OUTPUT: Flag = {
  name: "--output",
  value: "FORM",
  doc: "table, json or yaml",
  choices: OUTPUT_FORMS,
};

export const HELP_FLAGS: readonly Flag[] = [
  { name: "--version", doc: "print the version and exit" },
  { name: "--help", short: "-h", doc: "print this help and exit" },
];

export const RUNNING = [...AGENT_FLAGS, API, ...LOG_FLAGS, ...HELP_FLAGS];
export const ASKING = [...AGENT_FLAGS, ...LOG_FLAGS, ...HELP_FLAGS];

/** Flags that several commands share, for a line that names no command. */
export const COMMON_FLAGS: readonly Flag[] = [...RUNNING, OUTPUT];

/** How what asks a running agent for the state of its node can end. */
export const ASKING_EXITS: readonly OwnExit[] = [4, 77, 78];
