// The channel to the service: balanced, health-checked, with retries, past proxies on loopback.
package org.channelrouter.example;

import io.grpc.LoadBalancerRegistry;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.internal.GrpcUtil;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Opens channels. */
final class Channels {
  private static final String ROUTER = "router.v1.ChannelRouter";

  static {
    LoadBalancerRegistry.getDefaultRegistry().register(new HealthCheckedRoundRobin(ROUTER));
  }

  private Channels() {}

  /**
   * Opens a channel in plain text.
   *
   * @param target of the servers, e.g. "dns:///router.example:50051"
   */
  static ManagedChannel open(String target) {
    return NettyChannelBuilder.forTarget(target)
        .usePlaintext()
        .defaultServiceConfig(serviceConfig())
        .enableRetry()
        // A proxy is for elsewhere: it cannot reach this machine's own addresses.
        .proxyDetector(address ->
            isNear((InetSocketAddress) address) ? null : GrpcUtil.DEFAULT_PROXY_DETECTOR.proxyFor(address))
        .build();
  }

  /** Asked before a name is looked up, and again with the address. */
  private static boolean isNear(InetSocketAddress address) {
    if (!address.isUnresolved()) {
      return address.getAddress().isLoopbackAddress();
    }
    // Names know no capitals.
    String host = address.getHostString().toLowerCase(Locale.ROOT);
    return host.equals("localhost") || host.endsWith(".localhost") || host.startsWith("127.")
        || host.equals("::1") || host.equals("[::1]");
  }

  /** Every call that is sent again is one that the server counts once, by its request id, or one that only reads. */
  private static Map<String, ?> serviceConfig() {
    Map<String, ?> retries = Map.of(
        "maxAttempts", 4.0,
        "initialBackoff", "0.2s",
        "maxBackoff", "2s",
        "backoffMultiplier", 2.0,
        "retryableStatusCodes", List.of("UNAVAILABLE", "RESOURCE_EXHAUSTED", "CANCELLED"));
    List<Map<String, String>> retried = List.of(
        Map.of("service", ROUTER, "method", "Recommend"),
        Map.of("service", ROUTER, "method", "RecommendBatch"),
        Map.of("service", ROUTER, "method", "GetRecommendation"),
        Map.of("service", ROUTER, "method", "ListRecommendations"),
        Map.of("service", "router.v1.Feedback"),
        Map.of("service", "router.v1.Models"));
    return Map.of(
        "loadBalancingConfig", List.of(Map.of(HealthCheckedRoundRobin.POLICY, Map.of())),
        "methodConfig", List.of(Map.of("name", retried, "retryPolicy", retries)),
        "retryThrottling", Map.of("maxTokens", 100.0, "tokenRatio", 0.1));
  }
}
