"""What a registry holds: names, types and labels of metrics, for tests that freeze them."""

from collections.abc import Iterable
from itertools import chain

from prometheus_client import CollectorRegistry


def told(
    registry: CollectorRegistry, *owners: Iterable[object]
) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Gives type and labels by name.

    Args:
        registry: with the metrics.
        owners: the metrics again, as attributes of what registered them.
    """
    labels = {}
    for metric in chain(*owners):
        # A plain metric, or a histogram of our own.
        names = getattr(metric, "_labelnames", None) or (getattr(metric, "_label", ""),)
        if hasattr(metric, "_name"):
            labels[metric._name] = tuple(name for name in names if name)
    return {
        family.name: (family.type, labels.get(family.name, ())) for family in registry.collect()
    }
