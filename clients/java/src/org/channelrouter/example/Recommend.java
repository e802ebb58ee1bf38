// Asks a running server for a mix, and tells it what was chosen: Recommend [HOST:PORT].
package org.channelrouter.example;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.channelrouter.v1.AgeBand;
import org.channelrouter.v1.Case;
import org.channelrouter.v1.ChannelRouterGrpc;
import org.channelrouter.v1.DigitalAccess;
import org.channelrouter.v1.DigitalSkill;
import org.channelrouter.v1.FeedbackGrpc;
import org.channelrouter.v1.Language;
import org.channelrouter.v1.NeedGroup;
import org.channelrouter.v1.Reason;
import org.channelrouter.v1.RecommendRequest;
import org.channelrouter.v1.Recommendation;
import org.channelrouter.v1.RecordChoiceRequest;
import org.channelrouter.v1.RecordChoiceResponse;
import org.channelrouter.v1.SelfAssessedNeed;
import org.channelrouter.v1.TriState;
import org.channelrouter.v1.View;
import org.channelrouter.v1.WishedBy;

/** The example. */
public final class Recommend {
  private static final int TIMEOUT_SECONDS = 5;

  private Recommend() {}

  public static void main(String[] words) throws InterruptedException, InvalidProtocolBufferException {
    String target = words.length > 0 ? words[0] : "127.0.0.1:50051";
    if (target.startsWith("-") || words.length > 1) {
      boolean asked = target.equals("-h") || target.equals("--help");
      (asked ? System.out : System.err).println("usage: clients/java/run [HOST:PORT] (default: 127.0.0.1:50051)");
      System.exit(asked ? 0 : 2);
    }
    ManagedChannel channel = Channels.open(target);
    try {
      ask(channel);
    } catch (StatusRuntimeException error) {
      tell(error);
      System.exit(1);
    } finally {
      channel.shutdownNow().awaitTermination(TIMEOUT_SECONDS, TimeUnit.SECONDS);
    }
  }

  private static void ask(ManagedChannel channel) {
    Case given = Case.newBuilder()
        .setCaseRef(UUID.randomUUID().toString())
        .setShielded(false)
        .setAgeBand(AgeBand.AGE_BAND_18_24)
        .setNeedGroup(NeedGroup.NEED_GROUP_NEEDS_GUIDANCE)
        .setSelfAssessedNeed(SelfAssessedNeed.SELF_ASSESSED_NEED_WANTS_GUIDANCE)
        .setWeeksRegistered(3)
        .setDaysSincePersonalContact(10)
        .setDigitalSkill(DigitalSkill.DIGITAL_SKILL_STRONG)
        .setDigitalAccess(DigitalAccess.DIGITAL_ACCESS_FULL)
        .setHasEid(TriState.TRI_STATE_YES)
        .setDigitallyReserved(TriState.TRI_STATE_NO)
        .setManualFollowUp(TriState.TRI_STATE_NO)
        .build();
    // Made once for the call, however often it is sent.
    RecommendRequest request = RecommendRequest.newBuilder()
        .setCase(given)
        .setView(View.VIEW_FULL)
        .setLanguage(Language.LANGUAGE_NB)
        .setRequestId(UUID.randomUUID().toString())
        .build();
    Recommendation advice = recommend(channel, request);
    // An enum's value that this program does not know is UNRECOGNIZED: show it, and go on.
    System.out.printf("%s %s %d minutes%n",
        advice.getStatus(), advice.getMix().getId(), advice.getMix().getAdviserMinutes());
    for (Reason reason : advice.getReasonsList()) {
      System.out.println(" - " + reason.getText());
    }
    System.out.println(advice.getNotice());

    // As after an answer that never came.
    boolean same = recommend(channel, request).equals(advice);
    System.out.println("asked again with the same request id: " + (same ? "the same answer" : "ANOTHER ANSWER"));

    // Adviser and user talk, and agree on the mix that was advised.
    RecordChoiceResponse choice = FeedbackGrpc.newBlockingStub(channel)
        .withDeadlineAfter(TIMEOUT_SECONDS, TimeUnit.SECONDS)
        .recordChoice(RecordChoiceRequest.newBuilder()
            .setRequestId(UUID.randomUUID().toString())
            .setDecisionId(advice.getDecisionId())
            .setMixId(advice.getMix().getId())
            .setWishedBy(WishedBy.WISHED_BY_BOTH)
            .build());
    System.out.println("choice recorded: " + choice.getDirection());
  }

  private static Recommendation recommend(ManagedChannel channel, RecommendRequest request) {
    return ChannelRouterGrpc.newBlockingStub(channel)
        .withDeadlineAfter(TIMEOUT_SECONDS, TimeUnit.SECONDS)
        .recommend(request)
        .getRecommendation();
  }

  private static void tell(StatusRuntimeException error) throws InvalidProtocolBufferException {
    System.err.println(error.getMessage());
    com.google.rpc.Status status = StatusProto.fromThrowable(error);
    if (status == null) {
      return;
    }
    for (Any detail : status.getDetailsList()) {
      if (detail.is(BadRequest.class)) {
        for (BadRequest.FieldViolation one : detail.unpack(BadRequest.class).getFieldViolationsList()) {
          System.err.println(" " + one.getField() + ": " + one.getDescription());
        }
      }
    }
  }
}
