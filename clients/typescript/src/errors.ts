// What can come instead of an answer: code, fields at fault, reason and facts.
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { type ServiceError, status as Code } from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { type Status, StatusSchema } from "./gen/google/rpc/status_pb.js";

export { Code };

/** What is wrong with a field of the request: its path from the request's root, the problem and the bound. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/**
 * The call was not answered. By `code`:
 *
 * - INVALID_ARGUMENT: change the request; `violations` names the fields.
 * - NOT_FOUND: it was never made, or is erased.
 * - ABORTED: something else is recorded; `facts` says what.
 * - FAILED_PRECONDITION: what is recorded, or the hours, rule it out; `reason` says why.
 * - RESOURCE_EXHAUSTED, CANCELLED: too many calls; it was sent again a few times.
 * - UNAVAILABLE, DEADLINE_EXCEEDED: send it again with the same request ids: it counts once.
 * - UNIMPLEMENTED: the server is older than this client.
 */
export class ChannelRouterError extends Error {
  override readonly name = "ChannelRouterError";
  /** The fields at fault, if the request is. */
  readonly violations: readonly FieldViolation[] = [];
  /** A code that stays the same whatever the words, e.g. "REQUEST_ID_USED"; "" if none. */
  readonly reason: string = "";
  /** What the reason comes with, e.g. what stands. */
  readonly facts: Readonly<Record<string, string>> = {};
  /** What the server asks one to wait; undefined if it does not say. */
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly code: Code,
    details: Pick<Status, "message" | "details">,
    /** Of the call, to send it again with. */
    readonly requestIds: readonly string[] = [],
  ) {
    super(`${Code[code] ?? code}: ${details.message}`);
    for (const detail of details.details) {
      const info = anyUnpack(detail, ErrorInfoSchema);
      const bad = anyUnpack(detail, BadRequestSchema);
      const delay = anyUnpack(detail, RetryInfoSchema)?.retryDelay;
      if (info) [this.reason, this.facts] = [info.reason, info.metadata];
      if (bad) this.violations = bad.fieldViolations.map(({ field, description }) => ({ field, description }));
      if (delay) this.retryAfterMs = Number(delay.seconds) * 1000 + delay.nanos / 1e6;
    }
  }
}

/** The error of a call that failed. */
export function ofCall(error: ServiceError, requestIds: readonly string[] = []): ChannelRouterError {
  const [packed] = error.metadata?.get("grpc-status-details-bin") ?? [];
  const details = packed instanceof Buffer ? fromBinary(StatusSchema, packed).details : [];
  return new ChannelRouterError(error.code, { message: error.details, details }, requestIds);
}

/** The error of one case among several. */
export function ofCase(status: Status): ChannelRouterError {
  return new ChannelRouterError(status.code, status);
}
