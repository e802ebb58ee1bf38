"""What of a stream's body is held while it comes."""

import random

from router.serving.http.door import _Parts


def test_of_a_stream_what_is_under_way_is_known_however_it_is_cut() -> None:
    chance = random.Random(0)
    for _ in range(200):
        sizes = [chance.choice((0, 1, 4, 300)) for _ in range(chance.randrange(1, 8))]
        stream = b"".join(bytes(1) + size.to_bytes(4) + bytes(size) for size in sizes)
        ends = {sum(sizes[:n]) + 5 * n for n in range(len(sizes) + 1)}
        parts, at = _Parts(), 0
        while at < len(stream):
            cut = chance.randrange(1, 60)
            parts.add(stream[at : at + cut])
            at = min(at + cut, len(stream))
            assert parts.under_way == at - max(end for end in ends if end <= at)
