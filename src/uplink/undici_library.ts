/**
 * What is used of undici. It is loaded through this file, when it is wanted:
 * bundled, a package that is itself imported on demand has no named members.
 */
export { Client } from "undici";
