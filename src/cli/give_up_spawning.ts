/**
 * Gives up, for as long as this process lives, starting programs, sending
 * signals to others, and calling native libraries, which could do both. Who
 * takes the process over cannot have it back.
 *
 * It costs more than it says: without every permission, the runtime lets no
 * file of `/proc` and `/sys` be read.
 */
export function giveUpSpawning(): void {
  Deno.permissions.revokeSync({ name: "run" });
  Deno.permissions.revokeSync({ name: "ffi" });
}

/** Whether this process may start programs. */
export function maySpawn(): boolean {
  return Deno.permissions.querySync({ name: "run" }).state === "granted";
}
