"""Object stores and file systems by URI: `s3://`, `gs://`, `abfs://`, `file://`, `fsspec+...://`.

PyArrow reaches them; where it finds keys (environment, instance, files of its own) is its own
affair, on every machine that reads or writes.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.fs as pa_fs

from router.addresses import holds_secret, scheme_of
from router.mendable import Mendable


class StoreRefused(Mendable, ValueError):
    """An object store cannot be used; the message names its URI and why."""


class Store(NamedTuple):
    """A place in an object store or file system.

    Attributes:
        filesystem: PyArrow's, which has no types.
        path: the place in it; without the scheme, of S3 with the bucket.
    """

    filesystem: Any
    path: str

    @property
    def local(self) -> Path | None:
        """The path on this machine; None if it is elsewhere."""
        return Path(self.path) if self.filesystem.type_name == "local" else None


@lru_cache(maxsize=16)
def store_of(uri: str) -> Store:
    """Opens the store of a URI.

    Raises:
        StoreRefused: if it holds a secret, or is of a kind that is not known here.
    """
    if holds_secret(uri):
        raise StoreRefused(
            f"{scheme_of(uri)}: holds a password, a signature or a token, which whoever sees the "
            "command, the scheduler or its log would read; leave it out and give the keys of the "
            "store in the environment of each machine (AWS_ACCESS_KEY_ID and the like); an @ of a "
            "path is written %40"
        )
    try:
        return Store(*pa_fs.FileSystem.from_uri(uri))
    except (pa.ArrowException, OSError, ValueError, ImportError) as problem:
        told = str(problem).split("\n", maxsplit=1)[0]
        raise StoreRefused(
            f"{uri}: cannot be opened: {told}; permitted are file://, s3://, gs://, abfs://, "
            "hdfs://, and fsspec+NAME:// of what fsspec knows as NAME"
        ) from problem
