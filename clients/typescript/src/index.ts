// Asks a channel router for advice, and tells it what came of it.
export * from "./client.js";
export * from "./errors.js";
export { isLoopback } from "./channel.js";
export * from "./gen/router/v1/case_pb.js";
export * from "./gen/router/v1/caseload_pb.js";
export * from "./gen/router/v1/channel_router_pb.js";
export * from "./gen/router/v1/feedback_pb.js";
export * from "./gen/router/v1/models_pb.js";
export * from "./gen/router/v1/recommendation_pb.js";
