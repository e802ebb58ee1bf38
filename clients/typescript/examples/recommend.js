// Asks a running server for a mix, and tells it what was chosen: node examples/recommend.js [HOST:PORT]
import {
  AgeBand,
  ChannelRouterClient,
  ChannelRouterError,
  DigitalAccess,
  DigitalSkill,
  Language,
  NeedGroup,
  newCaseRef,
  SelfAssessedNeed,
  Status,
  TriState,
  View,
  WishedBy,
} from "channel-router-client";

const [target = "127.0.0.1:50051", ...more] = process.argv.slice(2);
if (target.startsWith("-") || more.length > 0) {
  const asked = ["-h", "--help"].includes(target);
  (asked ? console.log : console.error)("usage: node examples/recommend.js [HOST:PORT] (default: 127.0.0.1:50051)");
  process.exit(asked ? 0 : 2);
}

const client = new ChannelRouterClient(target, { language: Language.NB });
try {
  const advice = await client.recommend(
    {
      caseRef: newCaseRef(),
      shielded: false,
      ageBand: AgeBand.AGE_BAND_18_24,
      needGroup: NeedGroup.NEEDS_GUIDANCE,
      selfAssessedNeed: SelfAssessedNeed.WANTS_GUIDANCE,
      weeksRegistered: 3,
      daysSincePersonalContact: 10,
      digitalSkill: DigitalSkill.STRONG,
      digitalAccess: DigitalAccess.FULL,
      hasEid: TriState.YES,
      digitallyReserved: TriState.NO,
      manualFollowUp: TriState.NO,
    },
    { view: View.FULL },
  );
  console.log(Status[advice.status], advice.mix?.id, `${advice.mix?.adviserMinutes} minutes`);
  for (const reason of advice.reasons) console.log(" -", reason.text);
  console.log(advice.notice);

  // Adviser and user talk, and agree on the mix that was advised.
  const choice = await client.recordChoice({
    decisionId: advice.decisionId,
    mixId: advice.mix.id,
    wishedBy: WishedBy.BOTH,
  });
  console.log("choice recorded:", choice.recordId);
} catch (error) {
  if (!(error instanceof ChannelRouterError)) throw error;
  console.error(`${target}: ${error.message}`);
  for (const { field, description } of error.violations) console.error(` ${field}: ${description}`);
  process.exitCode = 1;
} finally {
  client.close();
}
