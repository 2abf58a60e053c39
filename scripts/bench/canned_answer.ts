/** An answer as a floor server is told to give it. */
export interface CannedAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What gives an answer that was written to a file, whoever asks for what. */
export function readCanned(file: string): () => Response {
  const text = Deno.readTextFileSync(file);
  const { body, headers } = JSON.parse(text) as CannedAnswer;
  return () => new Response(body, { headers });
}
