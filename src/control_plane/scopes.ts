/**
 * What an operator's token is good for:
 *
 * - `read`: looking at everything but secrets, which nobody can read back;
 * - `write`: changing what nodes get, and asking them for actions;
 * - `enrol`: making tokens for nodes, domains and nodes;
 * - `keys`: rotating and revoking keys, of this server and of nodes;
 * - `admin`: making and revoking operators' tokens, and everything else.
 */
export const SCOPES = ["read", "write", "enrol", "keys", "admin"] as const;
export type Scope = typeof SCOPES[number];
