import { jsonAnswer } from "../http/answers.ts";
import { noMessageBus } from "../node_routes/credentials.ts";
import type { Services } from "../services.ts";
import { ADMIN_PREFIX, type AdminRoute } from "./admin_route.ts";

/**
 * `GET /message-bus`: what a nats-server has to know of this control plane, and
 * how the bus is. Nothing of it is secret.
 */
export function messageBusRoutes({ messageBus }: Services): AdminRoute[] {
  return [{
    method: "GET",
    path: `${ADMIN_PREFIX}/message-bus`,
    handle() {
      if (!messageBus) return noMessageBus();
      const { state, servers, readers, config } = messageBus;
      return Promise.resolve(
        jsonAnswer({ state, servers, readers, ...config }),
      );
    },
  }];
}
