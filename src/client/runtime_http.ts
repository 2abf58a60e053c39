import type { Http } from "./http.ts";

/**
 * The way of this runtime. Deno's own is the only one that is loaded there, as
 * a command line that asks one question has no time for more.
 */
export async function runtimeHttp(): Promise<Http> {
  return "Deno" in globalThis
    ? (await import("./deno_http.ts")).denoHttp
    : (await import("./node_http.ts")).nodeHttp;
}
