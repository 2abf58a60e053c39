/**
 * Time since the machine started, in µs, at most a second late and never early:
 * the kernel rounds up to whole seconds, and counts the time it has slept. The
 * runtime does not give the kernel's monotonic clock, and `/proc` may show
 * processes alone. A service manager takes what is early for an answer to
 * something that was before.
 *
 * @see sysinfo(2); sd_notify(3), MONOTONIC_USEC
 */
export function uptimeUsec(): number {
  return Deno.osUptime() * 1_000_000;
}
