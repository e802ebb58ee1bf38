"""Files of tables made to do harm."""

import io
import pickle
import zipfile
from collections.abc import Callable

import numpy as np

Arrays = dict[str, np.ndarray]


def npz(arrays: Arrays) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, array, allow_pickle=True)
            archive.writestr(f"{name}.npy", part.getvalue())
    return out.getvalue()


def claims(shape: tuple[int, ...], kind: str = "<f8", held: int = 64) -> bytes:
    """Gives an array that says a shape and holds other bytes."""
    part = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        part, {"descr": kind, "fortran_order": False, "shape": shape}
    )
    return part.getvalue() + bytes(held)


def with_part(arrays: Arrays, name: str, data: bytes) -> bytes:
    out = io.BytesIO(npz({key: array for key, array in arrays.items() if key != name}))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.npy", data)
    return out.getvalue()


def array_bytes(array: np.ndarray) -> bytes:
    part = io.BytesIO()
    np.lib.format.write_array(part, array)
    return part.getvalue()


HARMFUL: dict[str, Callable[[Arrays], bytes]] = {
    "swapped arrays": lambda a: npz(a | {"values": a["counts"], "counts": a["values"]}),
    "swapped mixes and folds": lambda a: npz(a | {"values": a["values"].transpose(0, 2, 1)}),
    "half the slots": lambda a: npz(a | {"values": a["values"][::2]}),
    "one fold": lambda a: npz(
        a | {"values": a["values"][:, :, :1], "intercept": a["intercept"][:, :1]}
    ),
    "no dimension": lambda a: npz(a | {"values": np.array(1.0)}),
    "single precision": lambda a: npz(a | {"values": a["values"].astype(np.float32)}),
    "complex numbers": lambda a: npz(a | {"intercept": a["intercept"].astype(complex)}),
    "texts": lambda a: npz(a | {"counts": a["counts"].astype(str)}),
    "unsigned counts": lambda a: npz(a | {"counts": a["counts"].astype(np.uint64)}),
    "negative counts": lambda a: npz(a | {"counts": -1 - a["counts"]}),
    "not a number": lambda a: npz(a | {"values": np.where(a["values"] == 0, np.nan, a["values"])}),
    "infinite": lambda a: npz(a | {"intercept": a["intercept"] + np.inf}),
    "pickled objects": lambda a: npz(a | {"values": a["values"][:2].astype(object)}),
    "a pickled array more": lambda a: npz(a | {"more": np.array([print], object)}),
    "a pair of a column with itself": lambda a: npz(
        a | {"pair_columns": np.repeat(a["pair_columns"][:, :1], 2, 1)}
    ),
    "a pair of no column": lambda a: npz(a | {"pair_columns": a["pair_columns"] + 99}),
    "a pair of a negative column": lambda a: npz(a | {"pair_columns": a["pair_columns"] - 99}),
    "pairs without their cells": lambda a: npz(a | {"pair_values": a["pair_values"][:-1]}),
    "pairs without their bins": lambda a: npz(a | {"pair_bins": a["pair_bins"][:-1]}),
    "pairs of more bins than cells": lambda a: npz(
        a | {"pair_bins": a["pair_bins"] + np.uint16(60_000)}
    ),
    "more pairs than bins": lambda a: npz(
        a | {"pair_columns": np.tile(a["pair_columns"], (1000, 1))}
    ),
    "cells that are no numbers": lambda a: npz(a | {"pair_values": a["pair_values"] * np.nan}),
    "an array missing": lambda a: npz({"values": a["values"]}),
    "no array": lambda a: npz({}),
    # Of equal length, so that the archive's own directory stays true.
    "a name twice": lambda a: npz(a | {"valuez": a["values"]}).replace(b"valuez", b"values"),
    "a huge shape": lambda a: with_part(a, "values", claims((2**40, 6, 5))),
    "an overflowing shape": lambda a: with_part(a, "values", claims((2**62, 2**62, 16))),
    "a negative shape": lambda a: with_part(a, "values", claims((-8, -1), held=64)),
    "an empty but huge shape": lambda a: with_part(a, "values", claims((0, 2**62, 5), held=0)),
    "a header that is code": lambda a: with_part(
        a, "values", b"\x93NUMPY\x01\x00\x20\x00{'descr': __import__('os')      }\n"
    ),
    # Deep enough to end a parser that calls itself.
    "a deep header": lambda a: with_part(
        a, "values", b"\x93NUMPY\x02\x00" + (9000).to_bytes(4, "little") + b"(" * 9000
    ),
    "many arrays": lambda a: npz({f"a{n}": np.zeros(1) for n in range(3000)}),
    # The flag for encryption in the directory, of files that are not encrypted.
    "an encrypted archive": lambda a: npz(a).replace(
        b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0"
    ),
    # Method 8, deflate, becomes 99.
    "an unknown compression": lambda a: npz(a).replace(b"\0\0\x08\0", b"\0\0\x63\0"),
    "a bare array": lambda a: array_bytes(a["values"]),
    "a pickle": lambda a: pickle.dumps(a["values"].tolist()),
    # Readers find an archive from its end, and an array from its beginning.
    "an archive behind an array": lambda a: claims((2**40,)) + npz(a),
    # The directory's last two bytes are the length of the comment behind it.
    "an archive with a comment": lambda a: npz(a)[:-2] + b"\x05\x00hello",
}
