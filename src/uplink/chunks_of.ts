/**
 * The chunks of a body, until it ends or `signal` aborts. Leaving early frees
 * the connection.
 *
 * The signal of the `fetch` is not enough: the runtime forgets it once the
 * `Response` is collected, and a body that drips would then be read for ever.
 *
 * @throws the signal's reason, or why the body broke off.
 */
export async function* chunksOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  const cancel = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    // A no-op at the end of the body.
    await reader.cancel().catch(() => {});
  }
}
