// The client against a real server, whose address is in ROUTER_ADDRESS, and against one that fails at first.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import grpc from "@grpc/grpc-js";
import {
  AskedBy,
  ChannelRouterClient,
  ChannelRouterError,
  Code,
  isLoopback,
  newCaseRef,
  newRequestId,
  ReviewReason,
  ReviewResult,
  Status,
  View,
  WishedBy,
} from "channel-router-client";

const address = process.env.ROUTER_ADDRESS;
if (!address) throw new Error("ROUTER_ADDRESS: HOST:PORT of a running server is missing");
const router = new ChannelRouterClient(address, { office: "office-1" });
after(() => router.close());

function aCase(changes = {}) {
  return { caseRef: newCaseRef(), shielded: false, digitallyReserved: 2, ...changes };
}

async function all(things) {
  const found = [];
  for await (const thing of things) found.push(thing);
  return found;
}

const fails = (code) => (error) => error instanceof ChannelRouterError && error.code === code;

test("one case, a batch and a stream are answered, and bad cases fail alone", async () => {
  const advice = await router.recommend(aCase(), { view: View.FULL });
  assert.equal(advice.status, Status.NEEDS_ASSESSMENT);
  assert.ok(advice.options.length);

  const cases = [aCase(), aCase({ weeksRegistered: -1 }), aCase()];
  for (const answers of [await router.recommendBatch(cases), await all(router.recommendStream(cases))]) {
    assert.equal(answers.length, 3);
    assert.equal(answers[2].caseRef, cases[2].caseRef);
    assert.ok(answers[1] instanceof ChannelRouterError);
    assert.match(answers[1].violations[0].field, /weeks_registered$/);
  }
});

test("a stream is left early, and an error in the caller's cases comes as it is", async () => {
  const cases = Array.from({ length: 500 }, () => aCase());
  for await (const answer of router.recommendStream(cases)) {
    assert.ok(answer.decisionId);
    break;
  }
  const broken = function* () {
    yield aCase();
    throw new RangeError("the caller's own");
  };
  await assert.rejects(all(router.recommendStream(broken())), RangeError);
});

test("the same request id gets the recorded answer, and another case is refused", async () => {
  const given = aCase();
  const requestId = newRequestId();
  const advice = await router.recommend(given, { requestId });
  assert.deepEqual(await router.recommend(given, { requestId }), advice);
  await assert.rejects(router.recommend(aCase(), { requestId }), (error) => {
    assert.deepEqual(error.requestIds, [requestId]);
    return fails(Code.ABORTED)(error);
  });

  const [recorded, ...others] = await all(router.listRecommendations(given.caseRef));
  assert.equal(recorded.recommendation.decisionId, advice.decisionId);
  assert.equal(recorded.officeRef, "office-1");
  assert.equal(others.length, 0);
  assert.ok((await router.getRecommendation(advice.decisionId)).asAnswered);
  await assert.rejects(router.getRecommendation(newRequestId()), fails(Code.NOT_FOUND));
});

test("a bad request names field, problem and bound", async () => {
  await assert.rejects(router.recommend(aCase({ weeksRegistered: -1 })), (error) => {
    assert.equal(error.code, Code.INVALID_ARGUMENT);
    assert.equal(error.reason, "INVALID_ARGUMENT");
    assert.equal(error.violations[0].field, "case.weeks_registered");
    return true;
  });
});

test("what came of the advice is recorded and contested", async () => {
  const advice = await router.recommend(aCase());
  const { decisionId } = advice;
  const choice = await router.recordChoice({ decisionId, mixId: advice.mix.id, wishedBy: WishedBy.BOTH });
  assert.ok(choice.recordId);
  const { reviewId } = await router.requestReview({
    decisionId,
    askedBy: AskedBy.USER,
    reason: ReviewReason.NOT_EXPLAINED,
  });
  assert.ok((await all(router.listReviews())).some((review) => review.reviewId === reviewId));
  await router.answerReview({ reviewId, result: ReviewResult.UPHELD });
  assert.equal((await router.getReview(reviewId)).result, ReviewResult.UPHELD);
  const observedOn = new Date().toISOString().slice(0, 10);
  await router.recordOutcome({ decisionId, observedOn, result: { case: "goalReached", value: true } });
});

test("a caseload is planned", async () => {
  const cases = Array.from({ length: 1001 }, (_, number) => aCase({ caseRef: `case-${number}` }));
  const plan = await router.planCaseload(cases, { hours: 5000 });
  assert.equal(plan.whole.cases, 1001);
  assert.deepEqual(plan.cases.map((one) => one.caseRef), cases.map((one) => one.caseRef));
});

test("what the service decides with is listed", async () => {
  assert.ok((await router.promotedModel()).promoted);
  assert.ok((await all(router.listModels())).length);
  assert.equal((await all(router.listFeatures()))[0].name, "case_ref");
  assert.equal((await all(router.listMixes())).length, 12);
  assert.ok((await all(router.listSafeguards())).length);
});

test("a call that is sent again has the request id that it had, and what an answer has more is taken", async () => {
  const server = new grpc.Server();
  const asked = [];
  const bytes = { requestStream: false, responseStream: false };
  for (const side of ["request", "response"]) {
    bytes[`${side}Serialize`] = (given) => given;
    bytes[`${side}Deserialize`] = (given) => given;
  }
  const path = "/router.v1.ChannelRouter/Recommend";
  server.addService({ recommend: { path, ...bytes } }, {
    recommend({ request }, answer) {
      asked.push(request.toString("latin1"));
      if (asked.length < 3) answer({ code: grpc.status.UNAVAILABLE, details: "draining" });
      // A recommendation with a status and a field that this client does not know.
      else answer(null, Buffer.from("0a051063c03e01", "hex"));
    },
  });
  const credentials = grpc.ServerCredentials.createInsecure();
  const port = await new Promise((bound, failed) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, found) => (error ? failed(error) : bound(found)));
  });
  const client = new ChannelRouterClient(`127.0.0.1:${port}`);
  const requestId = newRequestId();
  const advice = await client.recommend(aCase(), { requestId });
  client.close();
  server.forceShutdown();
  assert.equal(advice.status, 99);
  assert.equal(asked.length, 3);
  assert.ok(asked.every((request) => request.includes(requestId)));
});

test("no answer in time ends as such", async () => {
  await assert.rejects(router.recommend(aCase(), { timeoutMs: 0 }), fails(Code.DEADLINE_EXCEEDED));
});

for (const [target, near] of [
  ["127.0.0.1:50051", true],
  ["localhost:50051", true],
  ["LocalHost:50051", true],
  ["dns:///localhost:50051", true],
  ["[::1]:50051", true],
  ["ipv6:[::1]:50051", true],
  ["unix:/run/router.sock", true],
  ["ipv4:127.0.0.1:50051,127.0.0.1:50052", true],
  ["ipv4:127.0.0.1:50051,10.0.0.7:50051", false],
  ["router.example:50051", false],
  ["10.0.0.7:50051", false],
]) {
  test(`${target} is ${near ? "" : "not "}on this machine`, () => assert.equal(isLoopback(target), near));
}
