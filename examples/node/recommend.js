// Asks a running server for a recommended mix: node recommend.js [HOST:PORT]
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const protos = fileURLToPath(new URL("../../proto", import.meta.url));
const definition = loadSync("router/v1/channel_router.proto", { includeDirs: [protos], keepCase: true, enums: String });
const { ChannelRouter } = grpc.loadPackageDefinition(definition).router.v1;

const client = new ChannelRouter(process.argv[2] ?? "127.0.0.1:50051", grpc.credentials.createInsecure());
const request = {
  case: {
    case_ref: "c-91be",
    shielded: false,
    age_band: "AGE_BAND_18_24",
    need_group: "NEED_GROUP_NEEDS_GUIDANCE",
    self_assessed_need: "SELF_ASSESSED_NEED_WANTS_GUIDANCE",
    weeks_registered: 3,
    days_since_personal_contact: 10,
    digital_skill: "DIGITAL_SKILL_STRONG",
    digital_access: "DIGITAL_ACCESS_FULL",
    has_eid: "TRI_STATE_YES",
    digitally_reserved: "TRI_STATE_NO",
    manual_follow_up: "TRI_STATE_NO",
  },
  view: "VIEW_FULL",
  language: "LANGUAGE_NB",
};

client.Recommend(request, { deadline: Date.now() + 2000 }, (error, response) => {
  if (error) {
    console.error(grpc.status[error.code], error.details);
    process.exitCode = 1;
  } else {
    const advice = response.recommendation;
    console.log(advice.status, advice.mix?.id, `${advice.mix?.adviser_minutes} minutes`);
    for (const reason of advice.reasons) console.log(" -", reason.text);
    console.log(advice.notice);
  }
  client.close();
});
