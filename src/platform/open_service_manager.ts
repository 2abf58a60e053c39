import { type DatagramSender, openDatagramSender } from "./datagram.ts";
import { describeError, type Logger } from "./log.ts";
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
  const sender = openSender(log);
  if (!sender) return { ...NO_SERVICE_MANAGER, [Symbol.dispose]() {} };
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

/** Whatever goes wrong, a service works without being heard of. */
function openSender(log: Logger): DatagramSender | undefined {
  // Folders of a unit are separated by colons.
  const [folder] = Deno.env.get("RUNTIME_DIRECTORY")?.split(":") ?? ["/tmp"];
  try {
    const sender = openDatagramSender(folder || "/tmp");
    if (sender) return sender;
    throw new Error("the runtime has no datagrams without --unstable-net");
  } catch (error) {
    log.warn("The service manager cannot be told anything", {
      error: describeError(error),
    });
    return undefined;
  }
}
