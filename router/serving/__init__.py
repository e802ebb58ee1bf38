"""The gRPC edge: beside the reader of cases and the demo, all that speaks router.v1 is here."""
