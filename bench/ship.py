"""Records a second that `journal ship` sends, to librdkafka's mock cluster on this machine.

Run as `python -m bench.ship`. The mock holds what it gets in memory and replicates
nothing: this measures what is ours, reading, writing JSON and waiting for reports, and no cluster.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import uuid
from contextlib import closing
from pathlib import Path
from threading import Event

from router.journal.opening import open_journal
from router.journal.outlet.kafka import KafkaOutlet, Properties, Target
from router.journal.outlet.shipping import PositionFile, ship
from tests.builders import a_reading, a_recorded_recommendation
from tests.kafka_cluster import KafkaCluster


def main() -> None:
    """Prints records a second, and processor time a record."""
    parser = argparse.ArgumentParser(prog="python -m bench.ship", description=__doc__)
    parser.add_argument("--records", type=int, default=50_000, help="default: %(default)s")
    count = parser.parse_args().records
    if count < 1:
        parser.error(f"--records: {count} is not 1 or more")
    one = a_recorded_recommendation(a_reading(), "c-1", mix=0, status=1)
    cluster, stopping = KafkaCluster(), Event()
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(open_journal(f"sqlite:///{folder}/journal.db")) as store,
    ):
        for _ in range(0, count, 1_000):
            store.write_batch([one._replace(id=uuid.uuid4().bytes) for _ in range(1_000)])
        target = Target.parse(cluster.url(cluster.topic(partitions=4)))
        with closing(KafkaOutlet(target, Properties(), stopping)) as outlet:
            started, used = time.perf_counter(), time.process_time()
            done = ship(store, outlet, PositionFile(Path(folder, "position")), stopping)
            seconds, used = time.perf_counter() - started, time.process_time() - used
    cluster.stop()
    print(f"{done.events / seconds:,.0f} records a second, load {os.getloadavg()[0]:.1f}")
    print(f"{1e6 * used / done.events:.0f} µs of a processor a record, the mock's own among it")


if __name__ == "__main__":
    main()
