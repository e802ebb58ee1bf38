// The channel to the service: balanced, with retries, past proxies on loopback.
import { BlockList, isIP } from "node:net";
import type { ChannelOptions } from "@grpc/grpc-js";

// Streams are not among them: what was answered cannot be taken back.
const ROUTING = ["Recommend", "RecommendBatch", "GetRecommendation", "ListRecommendations"];

/**
 * The channel's service config. Every call that it sends again is one that the server counts once, by its request id,
 * or one that only reads. grpc-js knows no health checks: a server that drains answers UNAVAILABLE, and the call is
 * sent to the next.
 */
export const SERVICE_CONFIG = {
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [
        ...ROUTING.map((method) => ({ service: "router.v1.ChannelRouter", method })),
        { service: "router.v1.Feedback" },
        { service: "router.v1.Models" },
      ],
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: "0.2s",
        maxBackoff: "2s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "CANCELLED"],
      },
    },
  ],
  // When most calls fail, sending them again would only add to the load.
  retryThrottling: { maxTokens: 100, tokenRatio: 0.1 },
};

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** Tells whether a gRPC target is on this machine, with all its addresses if it lists several. */
export function isLoopback(target: string): boolean {
  if (target.startsWith("unix:")) return true;
  return target.replace(/^(dns|ipv4|ipv6):(\/\/[^/]*\/)?/, "").split(",").every(isNear);
}

function isNear(address: string): boolean {
  // An IPv6 address holds colons itself, and then stands in brackets if a port follows.
  const host =
    /^\[([^\]]*)\](:\d+)?$/.exec(address)?.[1] ??
    (address.split(":").length === 2 ? address.slice(0, address.lastIndexOf(":")) : address);
  const family = isIP(host);
  if (family) return LOOPBACK.check(host, family === 4 ? "ipv4" : "ipv6");
  // Names know no capitals.
  const name = host.toLowerCase();
  return name === "localhost" || name.endsWith(".localhost");
}

/** The options of a channel to a target; `more` win over those set here. */
export function channelOptions(target: string, more: ChannelOptions): ChannelOptions {
  return {
    "grpc.service_config": JSON.stringify(SERVICE_CONFIG),
    // grpc-js would ask the proxy of the environment for this machine too.
    ...(isLoopback(target) ? { "grpc.enable_http_proxy": 0 } : {}),
    ...more,
  };
}
