/** An answer with a JSON body. */
export function jsonAnswer(value: unknown, status = 200): Response {
  return jsonTextAnswer(JSON.stringify(value), status);
}

/** An answer whose JSON text is already there, such as one with raw payloads. */
export function jsonTextAnswer(json: string, status = 200): Response {
  return new Response(json + "\n", {
    status,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
    },
  });
}

/** An answer without a body. */
export function emptyAnswer(): Response {
  return new Response(null, { status: 204 });
}
