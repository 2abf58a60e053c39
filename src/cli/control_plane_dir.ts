/** Data folder of a control plane where nothing else is said. */
export const DEFAULT_CONTROL_PLANE_DIR = "/var/lib/plexd-control-plane";
