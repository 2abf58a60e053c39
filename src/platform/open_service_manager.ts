import { openDatagramSender } from "./datagram.ts";
import type { Logger } from "./log.ts";
import {
  NO_SERVICE_MANAGER,
  type ServiceManager,
  systemdManager,
  takeServiceVariables,
} from "./service_manager.ts";
import { uptimeUsec } from "./uptime.ts";

/**
 * The service manager that started this process, if one did. What it says in
 * the environment is gone afterwards.
 */
export function openServiceManager(log: Logger): ServiceManager & Disposable {
  const variables = takeServiceVariables(Deno.env);
  if (!variables) return { ...NO_SERVICE_MANAGER, [Symbol.dispose]() {} };
  const sender = openDatagramSender();
  if (!sender) {
    log.warn(
      "The service manager is not told anything: this runtime sends no " +
        "datagrams without --unstable-net",
    );
    return { ...NO_SERVICE_MANAGER, [Symbol.dispose]() {} };
  }
  const { pid } = Deno;
  return {
    ...systemdManager({
      variables,
      sender,
      pid,
      monotonicUsec: uptimeUsec,
      log,
    }),
    [Symbol.dispose]: () => sender[Symbol.dispose](),
  };
}
