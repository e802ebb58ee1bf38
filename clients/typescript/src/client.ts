// The client: the contract's calls as methods, with deadline, request id and office set.
import { randomUUID } from "node:crypto";
import {
  create,
  type DescMessage,
  type DescMethodBiDiStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type ChannelCredentials, type ChannelOptions, Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { channelOptions } from "./channel.js";
import { ChannelRouterError, Code, ofCall, ofCase } from "./errors.js";
import type { Case, CaseSchema } from "./gen/router/v1/case_pb.js";
import { type CaseloadPlan, CaseloadPlanner, type PlannedCase } from "./gen/router/v1/caseload_pb.js";
import { ChannelRouter, type RecordedRecommendation, View } from "./gen/router/v1/channel_router_pb.js";
import {
  type AnswerReviewRequestSchema,
  type AnswerReviewResponse,
  Feedback,
  type RecordChoiceRequestSchema,
  type RecordChoiceResponse,
  type RecordOutcomeRequestSchema,
  type RecordOutcomeResponse,
  type RecordOwnViewRequestSchema,
  type RequestReviewRequestSchema,
  type Review,
} from "./gen/router/v1/feedback_pb.js";
import { type FeatureInfo, type Model, Models, type Safeguard } from "./gen/router/v1/models_pb.js";
import { Language, type Mix, Reader, type Recommendation } from "./gen/router/v1/recommendation_pb.js";

/** A case, as a message or as its fields. State `shielded` always. */
export type GivenCase = MessageInitShape<typeof CaseSchema>;
/** The answer for one case among several. */
export type Answer = Recommendation | ChannelRouterError;

/** How a client asks, unless a call says otherwise. */
export interface ClientOptions {
  /** Milliseconds that a call may take with all its tries; 5,000 if not given. */
  readonly timeoutMs?: number;
  /** Pseudonym of the office, for cases and plans that name none. */
  readonly office?: string;
  /** Language of texts; that of the office's policy if not given. */
  readonly language?: Language;
  /** Who reads the texts; the user if not given. */
  readonly reader?: Reader;
  /** Of TLS; plain text if not given. */
  readonly credentials?: ChannelCredentials;
  /** Further options of gRPC. */
  readonly channelOptions?: ChannelOptions;
}

/** How one call asks. */
export interface CallOptions {
  readonly timeoutMs?: number;
}

/** How one call for advice asks. */
export interface AdviceOptions extends CallOptions {
  /** How much to answer; BASIC if not given. */
  readonly view?: View;
  /** To send a call again by hand, the one it had; else one is made. */
  readonly requestId?: string;
}

/** A plan for an office's cases: as a whole, and case by case in the order given. */
export interface Plan {
  readonly whole: CaseloadPlan | undefined;
  readonly cases: readonly PlannedCase[];
}

// A case is under 1 KiB, and a message at most 1 MiB.
const CASES_IN_A_MESSAGE = 500;
const TIMEOUT_MS = 5_000;
const STREAM_TIMEOUT_MS = 300_000;
const PLAN_TIMEOUT_MS = 60_000;

/** A reference for a case that tells nothing of a person; keep it beside the case, in the case system alone. */
export function newCaseRef(): string {
  return randomUUID();
}

/** An id for a call, so that the call can be sent again and still count once. */
export function newRequestId(): string {
  return randomUUID();
}

/** Without what identifies the call: the client makes it. */
type Given<Schema extends DescMessage> = MessageInitShape<Schema> & { requestId?: string };

/**
 * Asks a channel router. Calls go in turn to all servers, and are sent again when one has no room or goes away. A
 * request id is made for each call, so that a call sent again is decided and recorded once.
 */
export class ChannelRouterClient {
  readonly #client: Client;
  readonly #options: ClientOptions;

  /** Opens a channel to a target, e.g. "dns:///router.example:50051"; the first call connects. */
  constructor(target: string, options: ClientOptions = {}) {
    this.#options = options;
    this.#client = new Client(
      target,
      options.credentials ?? credentials.createInsecure(),
      channelOptions(target, options.channelOptions ?? {}),
    );
  }

  /** Closes the channel. */
  close(): void {
    this.#client.close();
  }

  /** Asks for a mix for one case. */
  async recommend(given: GivenCase, options: AdviceOptions = {}): Promise<Recommendation> {
    const requestId = options.requestId ?? newRequestId();
    const request = { case: this.#ofOffice(given), ...this.#wanted(options.view), requestId };
    const told = await this.#call(ChannelRouter.method.recommend, request, options, [requestId]);
    // A message that is not there is one with nothing in it.
    return told.recommendation as Recommendation;
  }

  /** Asks for 1 to 1,000 cases, 1 to 250 in the FULL view; a bad case fails alone. */
  async recommendBatch(
    cases: readonly GivenCase[],
    options: CallOptions & { readonly view?: View; readonly requestIds?: readonly string[] } = {},
  ): Promise<Answer[]> {
    const requestIds = [...(options.requestIds ?? cases.map(newRequestId))];
    const request = { cases: cases.map((one) => this.#ofOffice(one)), ...this.#wanted(options.view), requestIds };
    const told = await this.#call(ChannelRouter.method.recommendBatch, request, options, requestIds);
    return told.results.map(({ result }) => answerOf(result));
  }

  /**
   * Asks for cases as they come; answers come in their order, a bad case fails alone. A stream is not sent again.
   * Servers end one after some five minutes: begin a new one then.
   */
  async *recommendStream(
    cases: Iterable<GivenCase> | AsyncIterable<GivenCase>,
    options: CallOptions & { readonly view?: View } = {},
  ): AsyncGenerator<Answer> {
    const wanted = this.#wanted(options.view);
    const asked = async function* (this: ChannelRouterClient) {
      for await (const one of cases) yield { case: this.#ofOffice(one), ...wanted, requestId: newRequestId() };
    }.call(this);
    const method = ChannelRouter.method.recommendStream;
    for await (const { result } of this.#stream(method, asked, options.timeoutMs ?? STREAM_TIMEOUT_MS)) {
      yield answerOf(result);
    }
  }

  /** Reads back a recommendation; NOT_FOUND if it was erased or never made. */
  async getRecommendation(decisionId: string, options: CallOptions = {}): Promise<RecordedRecommendation> {
    const told = await this.#call(ChannelRouter.method.getRecommendation, { decisionId }, options);
    return told.recommendation as RecordedRecommendation;
  }

  /** Reads back the recommendations for a case, the latest first, page by page. */
  listRecommendations(caseRef: string, options: CallOptions = {}): AsyncGenerator<RecordedRecommendation> {
    return pages(
      (pageToken) => this.#call(ChannelRouter.method.listRecommendations, { caseRef, pageToken }, options),
      (page) => page.recommendations,
    );
  }

  /** Plans an office's open cases, 1 to 50,000, within its adviser hours. Not sent again: each plan is recorded. */
  async planCaseload(
    cases: readonly GivenCase[],
    options: CallOptions & { readonly hours?: number; readonly office?: string } = {},
  ): Promise<Plan> {
    const header = {
      officeRef: options.office ?? this.#options.office ?? "",
      ...(options.hours === undefined ? {} : { hours: options.hours }),
    };
    const parts = async function* () {
      yield { part: { case: "header" as const, value: header } };
      for (let start = 0; start < cases.length; start += CASES_IN_A_MESSAGE) {
        const chunk = cases.slice(start, start + CASES_IN_A_MESSAGE);
        yield { part: { case: "cases" as const, value: { cases: chunk } } };
      }
    };
    let whole: CaseloadPlan | undefined;
    const planned: PlannedCase[] = [];
    const method = CaseloadPlanner.method.planCaseload;
    for await (const { part } of this.#stream(method, parts(), options.timeoutMs ?? PLAN_TIMEOUT_MS)) {
      if (part.case === "plan") whole = part.value;
      if (part.case === "cases") planned.push(...part.value.cases);
    }
    return { whole, cases: planned };
  }

  /** Records the mix that adviser and user agreed on. */
  recordChoice(
    given: Given<typeof RecordChoiceRequestSchema>,
    options: CallOptions = {},
  ): Promise<RecordChoiceResponse> {
    return this.#record(Feedback.method.recordChoice, given, options);
  }

  /** Records what came of it, and the time really spent. */
  recordOutcome(
    given: Given<typeof RecordOutcomeRequestSchema>,
    options: CallOptions = {},
  ): Promise<RecordOutcomeResponse> {
    return this.#record(Feedback.method.recordOutcome, given, options);
  }

  /** Records the adviser's own view of withheld advice, and gives the advice. */
  async recordOwnView(
    given: Given<typeof RecordOwnViewRequestSchema>,
    options: CallOptions = {},
  ): Promise<Recommendation> {
    const told = await this.#record(Feedback.method.recordOwnView, given, options);
    return told.recommendation as Recommendation;
  }

  /** Contests the advice. */
  async requestReview(given: Given<typeof RequestReviewRequestSchema>, options: CallOptions = {}): Promise<Review> {
    const told = await this.#record(Feedback.method.requestReview, given, options);
    return told.review as Review;
  }

  /** Answers a review, once. */
  answerReview(
    given: Given<typeof AnswerReviewRequestSchema>,
    options: CallOptions = {},
  ): Promise<AnswerReviewResponse> {
    return this.#record(Feedback.method.answerReview, given, options);
  }

  /** Reads back a review, with its answer if there is one. */
  async getReview(reviewId: string, options: CallOptions = {}): Promise<Review> {
    const told = await this.#call(Feedback.method.getReview, { reviewId }, options);
    return told.review as Review;
  }

  /** Lists the open reviews, oldest first: of an office, the client's if not given, "" for all. */
  listReviews(options: CallOptions & { readonly office?: string } = {}): AsyncGenerator<Review> {
    const officeRef = options.office ?? this.#options.office ?? "";
    return pages(
      (pageToken) => this.#call(Feedback.method.listReviews, { officeRef, pageToken }, options),
      (page) => page.reviews,
    );
  }

  /** Tells which model version is served. */
  async promotedModel(options: CallOptions = {}): Promise<Model> {
    return (await this.#call(Models.method.getPromotedModel, {}, options)).model as Model;
  }

  /** Lists the model versions, newest first. */
  listModels(options: CallOptions = {}): AsyncGenerator<Model> {
    return pages(
      (pageToken) => this.#call(Models.method.listModels, { pageToken }, options),
      (page) => page.models,
    );
  }

  /** Lists the fields of a case, with roles, bounds and units. */
  listFeatures(options: CallOptions = {}): AsyncGenerator<FeatureInfo> {
    return pages(
      (pageToken) => this.#call(Models.method.listFeatures, { ...this.#spoken, pageToken }, options),
      (page) => page.features,
    );
  }

  /** Lists the mixes of the catalogue, lightest first. */
  listMixes(options: CallOptions = {}): AsyncGenerator<Mix> {
    return pages(
      (pageToken) => this.#call(Models.method.listMixes, { ...this.#spoken, pageToken }, options),
      (page) => page.mixes,
    );
  }

  /** Lists the published safeguards. */
  listSafeguards(options: CallOptions = {}): AsyncGenerator<Safeguard> {
    return pages(
      (pageToken) => this.#call(Models.method.listSafeguards, { ...this.#spoken, pageToken }, options),
      (page) => page.safeguards,
    );
  }

  get #spoken(): { language: Language } {
    return { language: this.#options.language ?? Language.UNSPECIFIED };
  }

  #wanted(view: View = View.BASIC): { view: View; language: Language; reader: Reader } {
    return { view, reader: this.#options.reader ?? Reader.UNSPECIFIED, ...this.#spoken };
  }

  /** Gives the case with the client's office, if it names none. */
  #ofOffice(given: GivenCase): GivenCase {
    const { office } = this.#options;
    return office && !given.officeRef ? ({ ...given, officeRef: office } as Case) : given;
  }

  #record<Asked extends DescMessage, Told extends DescMessage>(
    method: DescMethodUnary<Asked, Told>,
    given: Given<Asked>,
    options: CallOptions,
  ): Promise<MessageShape<Told>> {
    const requestId = given.requestId || newRequestId();
    return this.#call(method, { ...given, requestId } as MessageInitShape<Asked>, options, [requestId]);
  }

  #call<Asked extends DescMessage, Told extends DescMessage>(
    method: DescMethodUnary<Asked, Told>,
    request: MessageInitShape<Asked>,
    options: CallOptions,
    requestIds: readonly string[] = [],
  ): Promise<MessageShape<Told>> {
    const deadline = Date.now() + (options.timeoutMs ?? this.#options.timeoutMs ?? TIMEOUT_MS);
    const [path, write, read] = coded(method);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(path, write, read, request, new Metadata(), { deadline }, (error, told) => {
        if (error) reject(ofCall(error, requestIds));
        else resolve(told as MessageShape<Told>);
      });
    });
  }

  async *#stream<Asked extends DescMessage, Told extends DescMessage>(
    method: DescMethodBiDiStreaming<Asked, Told>,
    requests: AsyncIterable<MessageInitShape<Asked>>,
    timeoutMs: number,
  ): AsyncGenerator<MessageShape<Told>> {
    const deadline = Date.now() + timeoutMs;
    const [path, write, read] = coded(method);
    const call = this.#client.makeBidiStreamRequest(path, write, read, new Metadata(), { deadline });
    const closed = new Promise((ended) => call.once("close", ended));
    const sent = (async () => {
      for await (const request of requests) {
        // No more than the server takes: wait until it has taken what is there.
        const full = !call.write(request);
        if (full) await Promise.race([new Promise((taken) => call.once("drain", taken)), closed]);
        if (call.destroyed) return;
      }
      call.end();
    })();
    sent.catch((error: Error) => call.destroy(error));
    try {
      for await (const told of call) yield told as MessageShape<Told>;
      await sent;
    } catch (error) {
      throw typeof (error as ServiceError).code === "number" ? ofCall(error as ServiceError) : error;
    } finally {
      // Whoever leaves early wants no more answers; to a call that has ended it does nothing.
      call.cancel();
    }
  }
}

/** A method's path, and how its messages become bytes and come back. */
function coded<Asked extends DescMessage, Told extends DescMessage>(
  method: DescMethodUnary<Asked, Told> | DescMethodBiDiStreaming<Asked, Told>,
) {
  return [
    `/${method.parent.typeName}/${method.name}`,
    (request: MessageInitShape<Asked>) => Buffer.from(toBinary(method.input, create(method.input, request))),
    (bytes: Buffer): MessageShape<Told> => fromBinary(method.output, bytes),
  ] as const;
}

async function* pages<Page extends { nextPageToken: string }, Thing>(
  ask: (pageToken: string) => Promise<Page>,
  things: (page: Page) => readonly Thing[],
): AsyncGenerator<Thing> {
  let pageToken = "";
  do {
    const page = await ask(pageToken);
    yield* things(page);
    pageToken = page.nextPageToken;
  } while (pageToken);
}

function answerOf(
  result:
    | { case: "recommendation"; value: Recommendation }
    | { case: "error"; value: Parameters<typeof ofCase>[0] }
    | { case: undefined; value?: undefined },
): Answer {
  if (result.case === "recommendation") return result.value;
  if (result.case === "error") return ofCase(result.value);
  // A server of another release may answer with what this one does not know.
  const message = "the answer is not one that this client knows";
  return new ChannelRouterError(Code.UNKNOWN, { message, details: [] });
}
