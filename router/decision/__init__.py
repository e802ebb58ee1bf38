"""The decision core: NumPy and frozen values; knows no gRPC, protobuf, database or clock."""
