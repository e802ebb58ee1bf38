// A balancer: calls go in turn to the servers that say that they serve. With the library's own grpc-services on the
// class path (Debian leaves it out), "round_robin" and "healthCheckConfig" in the service config do the same.
package org.channelrouter.example;

import io.grpc.CallOptions;
import io.grpc.ConnectivityState;
import io.grpc.ConnectivityStateInfo;
import io.grpc.LoadBalancer;
import io.grpc.LoadBalancer.CreateSubchannelArgs;
import io.grpc.LoadBalancer.Helper;
import io.grpc.LoadBalancer.Subchannel;
import io.grpc.LoadBalancer.SubchannelStateListener;
import io.grpc.LoadBalancerProvider;
import io.grpc.LoadBalancerRegistry;
import io.grpc.Status;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.grpc.util.ForwardingLoadBalancerHelper;
import io.grpc.util.ForwardingSubchannel;
import java.util.concurrent.TimeUnit;

/** Gives balancers that watch the health of one service on every server. */
final class HealthCheckedRoundRobin extends LoadBalancerProvider {
  static final String POLICY = "health_checked_round_robin";
  private static final int WATCH_AGAIN_SECONDS = 1;

  private final String service;

  HealthCheckedRoundRobin(String service) {
    this.service = service;
  }

  @Override
  public boolean isAvailable() {
    return true;
  }

  @Override
  public int getPriority() {
    return 5;
  }

  @Override
  public String getPolicyName() {
    return POLICY;
  }

  @Override
  public LoadBalancer newLoadBalancer(Helper helper) {
    Helper checking = new ForwardingLoadBalancerHelper() {
      @Override
      protected Helper delegate() {
        return helper;
      }

      @Override
      public Subchannel createSubchannel(CreateSubchannelArgs args) {
        return new Watched(helper, helper.createSubchannel(args));
      }
    };
    return LoadBalancerRegistry.getDefaultRegistry().getProvider("round_robin").newLoadBalancer(checking);
  }

  /** A connection that is ready once its server says that it serves. All but answers is on the helper's own queue. */
  private final class Watched extends ForwardingSubchannel {
    private final Helper helper;
    private final Subchannel connection;
    private SubchannelStateListener listener;
    private Watch watch;

    Watched(Helper helper, Subchannel connection) {
      this.helper = helper;
      this.connection = connection;
    }

    @Override
    protected Subchannel delegate() {
      return connection;
    }

    @Override
    public void start(SubchannelStateListener listener) {
      this.listener = listener;
      connection.start(this::connected);
    }

    private void connected(ConnectivityStateInfo state) {
      watch = null;
      if (state.getState() == ConnectivityState.READY) {
        begin();
      } else {
        listener.onSubchannelState(state);
      }
    }

    private void begin() {
      watch = new Watch();
      ClientCalls.asyncServerStreamingCall(
          connection.asChannel().newCall(HealthGrpc.getWatchMethod(), CallOptions.DEFAULT),
          HealthCheckRequest.newBuilder().setService(service).build(),
          watch);
    }

    /** What the server says, for as long as this connection stands. */
    private final class Watch implements StreamObserver<HealthCheckResponse> {
      @Override
      public void onNext(HealthCheckResponse said) {
        tell(said.getStatus() == ServingStatus.SERVING, "the server says " + said.getStatus());
      }

      @Override
      public void onError(Throwable problem) {
        Status status = Status.fromThrowable(problem);
        // A server without health checks is taken as it is.
        tell(status.getCode() == Status.Code.UNIMPLEMENTED, "its health is not known: " + status.getCode());
        if (status.getCode() != Status.Code.UNIMPLEMENTED) {
          onCompleted();
        }
      }

      @Override
      public void onCompleted() {
        helper.getSynchronizationContext().schedule(
            () -> {
              if (watch == this) {
                begin();
              }
            },
            WATCH_AGAIN_SECONDS, TimeUnit.SECONDS, helper.getScheduledExecutorService());
      }

      private void tell(boolean serving, String why) {
        ConnectivityStateInfo state = serving
            ? ConnectivityStateInfo.forNonError(ConnectivityState.READY)
            : ConnectivityStateInfo.forTransientFailure(Status.UNAVAILABLE.withDescription(why));
        helper.getSynchronizationContext().execute(() -> {
          if (watch == this) {
            listener.onSubchannelState(state);
          }
        });
      }
    }
  }
}
