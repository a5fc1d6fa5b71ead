/** Where the bridge and what it needs lie, as the command inside sees them. */
export type BridgePlaces = {
  readonly nodePath: string;
  readonly bridgePath: string;
  readonly socketPath: string;
  readonly port: number;
};

/** The bridge's own file, to be shown inside. */
export const BRIDGE_FILE = `${import.meta.dirname}/bridge.mjs`;

/**
 * Wraps a command so that 127.0.0.1:`port` inside leads to the proxy's socket while it runs. Pure.
 *
 * Its exit code is the command's, 128 + n where signal n ended that, 127 where there is no such command and 126 where
 * it can't be run.
 */
export function bridgeCommand(places: BridgePlaces, command: readonly [string, ...string[]]): [string, ...string[]] {
  const { nodePath, bridgePath, socketPath, port } = places;
  return [nodePath, bridgePath, socketPath, String(port), ...command];
}

/** What tells a command of the proxy at 127.0.0.1:`port`. Pure. */
export function proxyEnv(port: number): Readonly<Record<string, string>> {
  const proxy = `http://127.0.0.1:${port}`;
  return {
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    http_proxy: proxy,
    https_proxy: proxy,
    NO_PROXY: "",
    no_proxy: "",
    NODE_USE_ENV_PROXY: "1",
    // Questions that nobody asked, and whose hosts would show as refused.
    npm_config_update_notifier: "false",
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
  };
}
