"""The journal shipped to Kafka: in order, at least once, gone on with, and erased there too."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import groupby
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import KafkaError, Message

from router.commands.journal import journal
from router.decision.catalogue import Channel
from router.journal.answer import RequestId, answer_record
from router.journal.feedback import (
    AskedBy,
    ChannelTime,
    Choice,
    Direction,
    Feedback,
    Outcome,
    Review,
    ReviewReason,
    View,
    WishedBy,
    feedback_record,
    to_payload,
)
from router.journal.record import RECOMMENDATION, Context, Record
from router.journal.retention import erase, of_case
from router.journal.store import JournalStore
from tests.builders import ROOT, a_reading, a_recorded_recommendation
from tests.contract.journals import Kept, in_a_file
from tests.kafka_cluster import KafkaCluster, Reader, as_event, read

ENDS_WITHIN = 10
READING = a_reading()


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    """Gives a cluster."""
    cluster = KafkaCluster()
    yield cluster
    cluster.stop()


def words(url: str, to: str, *more: object) -> list[str]:
    return ["ship", "--journal", url, "--to", to, *map(str, more)]


def ship(url: str, to: str, *more: object) -> Result:
    """Ships as the command does, in this process."""
    return CliRunner().invoke(journal, words(url, to, *more))


@contextmanager
def shipping(url: str, to: str, *more: object) -> Iterator["subprocess.Popen[str]"]:
    """Ships in a process of its own, which is killed if it is left running."""
    command = [sys.executable, "-m", "router", "journal", *words(url, to, *more)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def a_choice(decision: Record) -> Choice:
    return Choice(
        decision_id=uuid.UUID(bytes=decision.id),
        mix="digital",
        wished_by=WishedBy.USER,
        direction=Direction.SAME,
    )


def an_outcome(decision: Record) -> Outcome:
    return Outcome(
        decision_id=uuid.UUID(bytes=decision.id),
        outcome=1,
        time=(ChannelTime(channel=Channel.PHONE, contacts=2, minutes=30),),
        observed_on=date(2026, 11, 2),
    )


def of(feedback: Feedback, at: int = 2_000) -> Record:
    return feedback_record(uuid.uuid4(), feedback, at, "")


def some_decisions(count: int, first: int = 0) -> list[Record]:
    """Gives recommendations, each of its own case, and a choice about every second one."""
    made = a_recorded_recommendation(READING, "c-0", mix=0, status=1, at=1_767_225_600_000_000)
    found = []
    for at in range(first, first + count):
        found.append(made._replace(id=uuid.uuid4().bytes, written_at=made.written_at + at))
        if at % 2:
            found.append(of(a_choice(found[-1]), made.written_at + at))
    return found


def ids(messages: list[Message]) -> list[str]:
    return [as_event(message).get_id() for message in messages]


def names(records: list[Record]) -> list[str]:
    return [str(uuid.UUID(bytes=record.id)) for record in records]


def sequences(messages: list[Message]) -> list[str]:
    return [as_event(message).get_extension("sequence") for message in messages]


def test_every_recommendation_and_all_feedback_comes_in_order_as_cloudevents(
    kept: Kept, cluster: KafkaCluster
) -> None:
    store, topic = kept.store(), cluster.topic()
    advised = a_recorded_recommendation(
        READING,
        "c-1",
        "office-7",
        mix=1,
        status=1,
        price=0.004,
        at=1_767_225_600_123_456,
        expected=[0.5 + 0.01 * at for at in range(len(READING.mixes))],
        permitted=0b11,
    )._replace(caller="case-system")
    decision = uuid.UUID(bytes=advised.id)
    records = [
        advised,
        of(View(decision_id=decision, mix="digital")),
        of(a_choice(advised)),
        of(an_outcome(advised)),
        of(Review(decision_id=decision, asked_by=AskedBy.USER, reason=ReviewReason.OTHER)),
    ]
    store.write_batch(records)
    done = ship(kept.url, cluster.url(topic))
    assert done.exit_code == 0, done.output
    assert done.output == f"5 events shipped to {topic}, up to record 5\n"
    messages = read(cluster, topic)
    events = [as_event(message) for message in messages]

    assert ids(messages) == names(records)
    assert {message.key() for message in messages} == {str(decision).encode()}
    assert [event.get_type() for event in events] == [
        f"router.v1.{kind}" for kind in ("recommendation", "view", "choice", "outcome", "review")
    ]
    assert {event.get_subject() for event in events} == {str(decision)}
    assert {event.get_source() for event in events} == {"urn:channel-router:journal"}
    assert {event.get_datacontenttype() for event in events} == {"application/json"}
    time = events[0].get_time()
    assert time is not None
    assert time.isoformat() == "2026-01-01T00:00:00.123456+00:00"
    assert sequences(messages) == [f"{seq:020}" for seq in range(1, 6)]

    told = events[0].get_data()
    assert isinstance(told, dict)
    mixes = READING.mix_ids
    assert told["seq"] == 1
    assert told["decision_id"] == str(decision)
    assert (told["case_ref"], told["office_ref"]) == ("c-1", "office-7")
    assert (told["mix"], told["status"]) == (mixes[1], READING.statuses[1])
    assert told["caller"] == "case-system"
    assert told["written_at"] == "2026-01-01T00:00:00.123456Z"
    assert told[f"expected_{mixes[0]}"] == 0.5
    assert (told[f"permitted_{mixes[1]}"], told[f"permitted_{mixes[2]}"]) == (True, False)
    assert told["age_band"] is None
    assert messages[3].value() == to_payload(an_outcome(advised))


def test_what_holds_nothing_for_others_is_passed_over(kept: Kept, cluster: KafkaCluster) -> None:
    store, topic = kept.store(), cluster.topic()
    (decision,) = some_decisions(1)
    other = Context(document='{"kind":"x"}')
    later = [
        Record(os.urandom(16), kind, other, b"secret", 1, decision.id)
        for kind in ("withheld", "plan", "shadow", "oflaterversions")
    ]
    answer = answer_record(RequestId.of(uuid.uuid4(), bytes(32)), b"secret", 1)
    store.write_batch([*later, answer, decision])
    assert ship(kept.url, cluster.url(topic)).exit_code == 0
    assert ids(read(cluster, topic)) == names([decision])


def test_of_every_decision_and_in_every_partition_order_holds(
    kept: Kept, cluster: KafkaCluster
) -> None:
    store, topic = kept.store(), cluster.topic(partitions=3)
    records = some_decisions(300)
    store.write_batch(records)
    assert ship(kept.url, cluster.url(topic)).exit_code == 0
    messages = read(cluster, topic)
    assert sorted(ids(messages)) == sorted(names(records))
    places: dict[bytes | None, set[int | None]] = {}
    for message in messages:
        places.setdefault(message.key(), set()).add(message.partition())
    assert {len(of_one) for of_one in places.values()} == {1}
    messages.sort(key=lambda message: (message.partition(), message.offset()))
    for _, of_one in groupby(messages, key=lambda message: message.partition()):
        come = sequences(list(of_one))
        assert come == sorted(come)


LAST = 500
"""Events after which it is killed for the last time."""


def test_killed_in_the_middle_it_goes_on_and_nothing_is_missing(
    kept: Kept, cluster: KafkaCluster, tmp_path: Path
) -> None:
    store, topic, position = kept.store(), cluster.topic(), tmp_path / "position"
    records = some_decisions(4_000)
    store.write_batch(records)
    # The mock keeps 5 MB of a partition.
    config = tmp_path / "kafka.properties"
    config.write_text("compression.type=zstd\n")
    told_to = (cluster.url(topic), "--position", position, "--config", config)
    reader = Reader(cluster, topic)
    came: list[Message] = []
    for count in (1, 2_500, LAST):
        with shipping(kept.url, *told_to) as process:
            came += reader.next(count)
            # What was taken is noted a little later: the last run shall find a note.
            while count == LAST and not position.exists() and process.poll() is None:
                pass
            process.kill()
    with shipping(kept.url, *told_to) as process:
        told, _ = process.communicate(timeout=60)
        assert process.returncode == 0, told
    came += reader.rest()

    first = list(dict.fromkeys(ids(came)))
    assert first == names(records)
    contents = {(as_event(one).get_id(), one.value()) for one in came}
    assert len(contents) == len(records)
    assert position.read_text().strip() == str(store.heads()[0])
    # The last run did not begin anew.
    assert int(told.split()[0]) < len(records)


def test_with_a_position_only_what_is_new_is_shipped(
    kept: Kept, cluster: KafkaCluster, tmp_path: Path
) -> None:
    store, topic, position = kept.store(), cluster.topic(), tmp_path / "position"
    before, after = some_decisions(3), some_decisions(4)
    store.write_batch(before)
    assert ship(kept.url, cluster.url(topic), "--position", position).exit_code == 0
    store.write_batch(after)
    assert ship(kept.url, cluster.url(topic), "--position", position).exit_code == 0
    assert ids(read(cluster, topic)) == names(before + after)
    again = ship(kept.url, cluster.url(topic), "--position", position)
    assert again.output.startswith("0 events shipped")


def test_a_journal_that_was_rewritten_is_refused(
    kept: Kept, cluster: KafkaCluster, tmp_path: Path
) -> None:
    topic, position = cluster.topic(), tmp_path / "position"
    kept.store().write_batch(some_decisions(3))
    assert ship(kept.url, cluster.url(topic), "--position", position).exit_code == 0
    kept.forget()
    kept.store().write_batch(some_decisions(30))
    told = str(ship(kept.url, cluster.url(topic), "--position", position).exception)
    assert "record 4 is another one than was shipped: the journal was rewritten" in told
    assert "move the position file away" in told
    assert len(read(cluster, topic)) == 4


def test_it_begins_where_it_is_told_to(kept: Kept, cluster: KafkaCluster, tmp_path: Path) -> None:
    store, topic, position = kept.store(), cluster.topic(), tmp_path / "position"
    records = some_decisions(4)
    store.write_batch(records)
    to = cluster.url(topic)
    assert ship(kept.url, to, "--from", 3, "--position", position).exit_code == 0
    assert ids(read(cluster, topic)) == names(records[2:])
    both = ship(kept.url, to, "--from", 3, "--position", position)
    assert both.exit_code == 2
    assert "leave out --from" in both.output


def test_what_was_shipped_and_is_erased_later_is_followed_by_tombstones(
    kept: Kept, cluster: KafkaCluster, tmp_path: Path
) -> None:
    store, topic, position = kept.store(), cluster.topic(), tmp_path / "position"
    mine = a_recorded_recommendation(READING, "c-1", mix=0, status=1)
    about_mine = of(a_choice(mine))
    others = some_decisions(2)
    store.write_batch([mine, *others, about_mine])
    assert ship(kept.url, cluster.url(topic), "--position", position).exit_code == 0
    erased_on_request(store, "c-1")
    assert ship(kept.url, cluster.url(topic), "--position", position).exit_code == 0

    messages = read(cluster, topic)
    tombstones = messages[5:]
    assert [message.value() for message in tombstones] == [None, None]
    assert [message.key() for message in tombstones] == [messages[0].key()] * 2
    events = [as_event(message) for message in tombstones]
    assert [event.get_type() for event in events] == [
        "router.v1.recommendation.erased",
        "router.v1.choice.erased",
    ]
    assert [event.get_extension("erasedid") for event in events] == names([mine, about_mine])
    # Whoever passes over ids that it knows must not pass over these.
    assert not set(ids(tombstones)) & set(ids(messages[:5]))


def test_what_was_erased_before_is_a_tombstone_in_its_place_and_its_content_never_told(
    kept: Kept, cluster: KafkaCluster
) -> None:
    store, topic = kept.store(), cluster.topic()
    mine = a_recorded_recommendation(READING, "case-to-forget", mix=0, status=1)
    others = some_decisions(1)
    store.write_batch([mine, *others])
    erased_on_request(store, "case-to-forget")
    assert ship(kept.url, cluster.url(topic)).exit_code == 0
    messages = read(cluster, topic)
    assert [message.value() is None for message in messages] == [True, False, True]
    # Told twice, it counts once.
    assert ids(messages)[0] == ids(messages)[2]
    assert all(b"forget" not in (message.value() or b"") for message in messages)


def erased_on_request(store: JournalStore, case_ref: str) -> None:
    held = sorted(of_case(store, case_ref))
    assert erase(store, lambda: held, now=3_000, why="request") == len(held)


def test_it_follows_and_ends_when_told_to_with_nothing_lost(
    kept: Kept, cluster: KafkaCluster, tmp_path: Path
) -> None:
    store, topic, position = kept.store(), cluster.topic(), tmp_path / "position"
    records = some_decisions(3)
    store.write_batch(records)
    reader = Reader(cluster, topic)
    to = cluster.url(topic)
    with shipping(kept.url, to, "--follow", "--position", position) as process:
        came = reader.next(len(records))
        more = some_decisions(5)
        store.write_batch(more)
        came += reader.next(len(more))
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=ENDS_WITHIN)
    assert process.returncode == 0, told
    last = some_decisions(2)
    store.write_batch(last)
    assert ship(kept.url, to, "--position", position).exit_code == 0
    came += reader.rest()
    assert list(dict.fromkeys(ids(came))) == names(records + more + last)


def test_brokers_that_refuse_for_a_moment_get_it_again_in_order(
    cluster: KafkaCluster, tmp_path: Path
) -> None:
    kept, topic = in_a_file(tmp_path), cluster.topic()
    records = some_decisions(500)
    kept.store().write_batch(records)
    cluster.answer(
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.NOT_ENOUGH_REPLICAS,
    )
    assert ship(kept.url, cluster.url(topic)).exit_code == 0
    kept.opened[0].close()
    assert list(dict.fromkeys(ids(read(cluster, topic)))) == names(records)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Gives a journal with a decision, in a file."""
    kept = in_a_file(tmp_path)
    kept.store().write_batch(some_decisions(1))
    yield kept.url
    kept.opened[0].close()


def refused(url: str, to: str, *more: object) -> str:
    """Ships in a process of its own, and gives the one line that it ends with."""
    with shipping(url, to, *more) as process:
        told, _ = process.communicate(timeout=60)
    assert process.returncode == 2, told
    assert "Traceback" not in told
    return told.splitlines()[-1]


def test_brokers_that_do_not_answer_are_named(url: str) -> None:
    told = refused(url, "kafka://127.0.0.1:1/advice")
    assert "no broker of 127.0.0.1:1 answers" in told
    assert "Connection refused" in told


def test_a_topic_that_is_not_there_is_named_and_not_made(url: str, cluster: KafkaCluster) -> None:
    for _ in range(2):
        told = refused(url, cluster.url("nobody-made-it"))
        assert "topic nobody-made-it: there is none" in told


def test_whoever_may_not_write_is_told_so_and_nothing_is_noted(
    url: str, cluster: KafkaCluster, tmp_path: Path
) -> None:
    topic, position = cluster.topic(), tmp_path / "position"
    cluster.answer(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    told = refused(url, cluster.url(topic), "--position", position)
    assert f"topic {topic}: the user of --config may not write to it" in told
    assert not position.exists()


def test_a_record_that_is_too_large_is_named(
    url: str, cluster: KafkaCluster, tmp_path: Path
) -> None:
    config = tmp_path / "kafka.properties"
    config.write_text("message.max.bytes=1000\n")
    told = refused(url, cluster.url(cluster.topic()), "--config", config)
    assert "record 1 is too large; raise max.message.bytes" in told


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("sasl.passwrd=hunter2", "sasl.passwrd: librdkafka has no such property"),
        ("# mine\n\nsecurity.protocol=hunter2", "security.protocol: has a value that librdkafka"),
        ("sasl.password=hunter2\nhunter2", "line 2 is not key=value"),
        ("acks=1", "line 1: acks is set by ship itself"),
        (
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.password=hunter2",
            "sasl.username and sasl.password must be set",
        ),
    ],
)
def test_properties_that_cannot_be_used_are_named_and_never_their_values(
    lines: str, told: str, url: str, cluster: KafkaCluster, tmp_path: Path
) -> None:
    config = tmp_path / "kafka.properties"
    config.write_text(lines)
    line = str(ship(url, cluster.url("advice"), "--config", config).exception)
    assert told in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    "to",
    [
        "kafka://user:hunter2@host:9092/advice",
        "kafka://host:9092",
        "kafka:///advice",
        "kafka://host:9092/a/b",
        "kafka://host:port/advice",
        "http://host/hunter2",
    ],
)
def test_what_is_no_topic_of_kafka_is_refused_and_not_repeated(url: str, to: str) -> None:
    line = str(ship(url, to).exception)
    assert line.startswith("to: ")
    assert "hunter2" not in line


def test_a_damaged_record_is_named_and_nothing_of_it_sent(
    cluster: KafkaCluster, tmp_path: Path
) -> None:
    kept, topic = in_a_file(tmp_path), cluster.topic()
    (decision,) = some_decisions(1)
    damaged = Record(
        os.urandom(16), "choice", Context(document="{}"), json.dumps({}).encode(), 1, decision.id
    )
    kept.store().write_batch([decision, damaged])
    assert decision.kind == RECOMMENDATION
    assert "record 2" in str(ship(kept.url, cluster.url(topic)).exception)
    kept.opened[0].close()
