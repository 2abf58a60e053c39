/** A listener of the local API could not be opened. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  /**
   * - `in_use`: another process answers there
   * - `not_a_socket`: something else has the socket's path
   * - `path_too_long`: longer than the kernel's 107 bytes
   * - `token_file`: the bearer of the TCP listener cannot be had
   * - `address`: the TCP address is none, or is not one of this machine
   * - `failed`: anything else; see the cause
   */
  readonly kind:
    | "in_use"
    | "not_a_socket"
    | "path_too_long"
    | "token_file"
    | "address"
    | "failed";

  constructor(kind: ListenError["kind"], message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}
