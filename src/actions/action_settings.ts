/** What the operator allows the control plane to run on this node. */
export interface ActionSettings {
  readonly enabled: boolean;
  /** Absolute path of each action's executable, by the action's name. */
  readonly commands: Readonly<Record<string, string>>;
  /** Executions at a time. */
  readonly maxConcurrent: number;
  /** Longest time that an execution may take, ms. */
  readonly maxTimeoutMs: number;
  /** Most bytes that are kept of each of standard output and error. */
  readonly maxOutputBytes: number;
}

/** The executable of an action; undefined when the operator configured none. */
export function commandOf(
  { commands }: ActionSettings,
  action: string,
): string | undefined {
  // Names come from outside: `constructor` must not find one.
  return Object.hasOwn(commands, action) ? commands[action] : undefined;
}
