"""The decision core: NumPy and frozen values; knows no gRPC, protobuf, scikit-learn, database or clock."""
