/** What a published install.sh knows. */
export interface ScriptFacts {
  /** Base64 of the public key, as its PEM file has it. */
  readonly publicKey: string;
  /** Where releases are. @default {whoever runs it has to say} */
  readonly baseUrl?: string | undefined;
}

/** install.sh with its two marked lines filled. */
export function fillScript(
  script: string,
  { publicKey, baseUrl }: ScriptFacts,
): string {
  const filled = fill(script, "RELEASE_KEY", publicKey);
  return baseUrl === undefined ? filled : fill(filled, "BASE_URL", baseUrl);
}

function fill(script: string, name: string, value: string): string {
  if (/['\n]/.test(value)) throw new Error(`${name} cannot hold a quote`);
  const line = new RegExp(`^${name}='[^'\n]*'$`, "m");
  if (!line.test(script)) throw new Error(`install.sh has no line ${name}=''`);
  return script.replace(line, () => `${name}='${value}'`);
}
