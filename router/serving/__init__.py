"""The gRPC edge: the only package, beside router.cases.features, that speaks router.v1."""
