"""Metrics give no single case away, and a histogram is one that Prometheus can read."""

from prometheus_client import CollectorRegistry, Histogram, generate_latest

from router.serving.telling import BeforeScrape, Gathered, ManyHistogram

BUCKETS = (0.1, 0.5, 1.0)


def many() -> tuple[CollectorRegistry, ManyHistogram]:
    registry = CollectorRegistry()
    found = ManyHistogram(registry, "share_ratio", "Share.", BUCKETS, "model_version")
    found.begin("v1")
    return registry, found


def test_many_values_fall_into_the_buckets_of_a_plain_histogram() -> None:
    values = [0.0, 0.1, 0.1000001, 0.7, 1.0, 3.0]
    plain = CollectorRegistry()
    histogram = Histogram(
        "share_ratio", "Share.", ("model_version",), buckets=BUCKETS, registry=plain
    )
    for value in values:
        histogram.labels("v1").observe(value)
    registry, own = many()
    own.observe("v1", values)

    def lines(registry: CollectorRegistry) -> list[str]:
        return [
            line
            for line in generate_latest(registry).decode().splitlines()
            if "_created" not in line and "_sum" not in line
        ]

    assert sorted(lines(registry)) == sorted(lines(plain))


def test_a_sum_tells_no_value_and_never_falls() -> None:
    registry, histogram = many()

    def total() -> float | None:
        return registry.get_sample_value("share_ratio_sum", {"model_version": "v1"})

    sums = [total()]
    for value in (0.31, 0.49, -5.0):
        histogram.observe("v1", [value])
        sums.append(total())
    # By the middles of their buckets; what is below 0 counts as 0.
    assert [round(one or 0, 3) for one in sums] == [0, 0.3, 0.6, 0.65]


def test_few_things_wait_until_they_can_be_told_together() -> None:
    registry, told = CollectorRegistry(), list[int]()
    before: list[object] = []
    gathered: Gathered[int] = Gathered(before, told.extend, at_least=3)  # type: ignore[arg-type]
    registry.register(BeforeScrape(before))  # type: ignore[arg-type]

    seen = []
    for number in range(7):
        gathered.extend((number,))
        generate_latest(registry)
        seen.append(len(told))
    assert seen == [0, 0, 3, 3, 3, 6, 6]
