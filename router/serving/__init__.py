"""The gRPC edge: the only package, beside router.features, that speaks router.v1."""
