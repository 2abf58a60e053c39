/** Options for {@linkcode stopSignal}. */
export interface StopOptions {
  /** Stop as well when standard input ends: then whoever started us is gone. */
  readonly onStdinEnd: boolean;
}

/** Aborts on SIGTERM and SIGINT. Dispose of it to leave the signals alone. */
export function stopSignal(
  options: StopOptions,
): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const stop = () => controller.abort(new Error("told to stop"));
  const signals = ["SIGTERM", "SIGINT"] as const;
  for (const name of signals) Deno.addSignalListener(name, stop);
  const stdin = options.onStdinEnd
    ? Deno.stdin.readable.getReader()
    : undefined;
  if (stdin) stopAtEnd(stdin, stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of signals) Deno.removeSignalListener(name, stop);
      stdin?.cancel().catch(() => {});
    },
  };
}

async function stopAtEnd(
  stdin: ReadableStreamDefaultReader<Uint8Array>,
  stop: () => void,
) {
  try {
    while (!(await stdin.read()).done);
  } catch {
    // A broken pipe is an end, too.
  }
  stop();
}
