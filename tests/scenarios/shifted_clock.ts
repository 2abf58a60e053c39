import assert from "node:assert/strict";
import { hasTool, runTool } from "../cli/tool.ts";

/** The wall clock of a process, some seconds beside that of the machine. */
const SHIM = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long shift(void) {
  char text[32] = {0};
  const char *path = getenv("SHIFT_FILE");
  int file = path ? open(path, O_RDONLY) : -1;
  if (file < 0) return 0;
  if (read(file, text, sizeof text - 1) < 0) text[0] = 0;
  close(file);
  return atol(text);
}

int clock_gettime(clockid_t id, struct timespec *at) {
  int result = syscall(SYS_clock_gettime, id, at);
  if (result == 0 && id == CLOCK_REALTIME) at->tv_sec += shift();
  return result;
}

int gettimeofday(struct timeval *at, void *zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}
`;

/** Whether clocks can be shifted; CI must be able to. */
export const CAN_SHIFT = hasTool("gcc") || Deno.env.get("CI") === "true";

/**
 * Sets the wall clock of processes that run with {@linkcode env}, and of no
 * others, while their monotonic one goes on: as a sleep of the machine does.
 */
export class ShiftedClock implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  static async make(): Promise<ShiftedClock> {
    const clock = new ShiftedClock(await Deno.makeTempDir());
    await clock.set(0);
    const source = `${clock.folder}/shift.c`;
    await Deno.writeTextFile(source, SHIM);
    const made = await runTool("gcc", [
      "-shared",
      "-fPIC",
      "-O2",
      "-o",
      `${clock.folder}/shift.so`,
      source,
    ]);
    assert.equal(made.code, 0, made.stderr);
    return clock;
  }

  get env(): Record<string, string> {
    return {
      LD_PRELOAD: `${this.folder}/shift.so`,
      SHIFT_FILE: `${this.folder}/seconds`,
    };
  }

  /** @param seconds Ahead of the machine's clock. */
  async set(seconds: number): Promise<void> {
    const next = `${this.folder}/next`;
    await Deno.writeTextFile(next, `${seconds}\n`);
    await Deno.rename(next, `${this.folder}/seconds`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
