"""A cluster of Kafka in this process, librdkafka's own mock, and a reader of its topics.

The mock speaks the real protocol on real sockets, so any client may connect, also of another
process. Its functions are public in librdkafka (rdkafka_mock.h); the Python client has no names for
most of them, so the library that it brings is called itself.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from ctypes import c_char_p, c_int, c_int16, c_size_t, c_void_p
from importlib.metadata import files
from typing import Any

from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

PRODUCE = 0
"""Number of the request that writes, in Kafka's protocol."""
_WAIT_SECONDS = 30
_PRODUCER = 0


class KafkaCluster:
    """One broker without credentials or TLS; topics are made by `topic`."""

    def __init__(self) -> None:
        """Starts it."""
        self._library = library = _library()
        library.rd_kafka_conf_new.restype = c_void_p
        library.rd_kafka_conf_set.argtypes = [c_void_p, c_char_p, c_char_p, c_char_p, c_size_t]
        library.rd_kafka_new.restype = c_void_p
        library.rd_kafka_new.argtypes = [c_int, c_void_p, c_char_p, c_size_t]
        library.rd_kafka_destroy.argtypes = [c_void_p]
        library.rd_kafka_mock_cluster_new.restype = c_void_p
        library.rd_kafka_mock_cluster_new.argtypes = [c_void_p, c_int]
        library.rd_kafka_mock_cluster_destroy.argtypes = [c_void_p]
        library.rd_kafka_mock_cluster_bootstraps.restype = c_char_p
        library.rd_kafka_mock_cluster_bootstraps.argtypes = [c_void_p]
        library.rd_kafka_mock_topic_create.argtypes = [c_void_p, c_char_p, c_int, c_int]
        library.rd_kafka_mock_push_request_errors_array.argtypes = [
            c_void_p,
            c_int16,
            c_size_t,
            ctypes.POINTER(c_int),
        ]

        told = ctypes.create_string_buffer(512)
        conf = library.rd_kafka_conf_new()
        library.rd_kafka_conf_set(conf, b"log_level", b"0", told, len(told))
        self._host = library.rd_kafka_new(_PRODUCER, conf, told, len(told))
        self._cluster = library.rd_kafka_mock_cluster_new(self._host, 1)
        self.brokers: str = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def topic(self, partitions: int = 1) -> str:
        """Makes an empty topic, and gives its name."""
        name = f"journal-{os.urandom(6).hex()}"
        assert not self._library.rd_kafka_mock_topic_create(
            self._cluster, name.encode(), partitions, 1
        )
        return name

    def url(self, topic: str) -> str:
        """Gives what `journal ship --to` takes."""
        return f"kafka://{self.brokers}/{topic}"

    def answer(self, *codes: int) -> None:
        """Answers the next requests that write with these errors, one each."""
        errors = (c_int * len(codes))(*codes)
        self._library.rd_kafka_mock_push_request_errors_array(
            self._cluster, PRODUCE, len(codes), errors
        )

    def stop(self) -> None:
        """Ends it; what it held is gone."""
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._host)


class Reader:
    """Reads a topic from its beginning."""

    def __init__(self, cluster: KafkaCluster, topic: str) -> None:
        """Begins."""
        self._consumer = Consumer(
            {
                "bootstrap.servers": cluster.brokers,
                "group.id": "tests",
                "enable.auto.commit": False,
                # What is gone is a fault of the test.
                "auto.offset.reset": "error",
                "log_level": 0,
            }
        )
        known = self._consumer.list_topics(topic, timeout=_WAIT_SECONDS).topics[topic]
        # Of each partition, the offset of the next message.
        self._read = dict.fromkeys(known.partitions, 0)
        self._consumer.assign(
            [TopicPartition(topic, number, OFFSET_BEGINNING) for number in known.partitions]
        )

    def next(self, count: int) -> list[Message]:
        """Waits for so many messages more."""
        found: list[Message] = []
        while len(found) < count:
            message = self._consumer.poll(_WAIT_SECONDS)
            assert message is not None, f"{len(found)} of {count} came"
            assert message.error() is None, message.error()
            number, offset = message.partition(), message.offset()
            assert number is not None
            assert offset is not None
            self._read[number] = offset + 1
            found.append(message)
        return found

    def rest(self) -> Iterator[Message]:
        """Yields what is there by now and was not read, and closes."""
        ends = {
            one.partition: self._consumer.get_watermark_offsets(one, timeout=_WAIT_SECONDS)[1]
            for one in self._consumer.assignment()
        }
        left = {number for number, end in ends.items() if self._read[number] < end}
        while left:
            (message,) = self.next(1)
            yield message
            left = {number for number in left if self._read[number] < ends[number]}
        self.close()

    def close(self) -> None:
        """Lets go of it."""
        self._consumer.close()


def read(cluster: KafkaCluster, topic: str) -> list[Message]:
    """Gives all messages of a topic, those of a partition in its order."""
    return list(Reader(cluster, topic).rest())


def as_event(message: Message) -> BaseCloudEvent:
    """Reads a message as those do who know CloudEvents and nothing of this project.

    Raises:
        cloudevents.core.exceptions.CloudEventValidationError: if it is none.
    """
    headers: Any = dict(message.headers() or [])
    # Of no bytes and of null the library makes the same: no data.
    return from_binary(
        KafkaMessage(headers=headers, key=message.key(), value=message.value() or b""),
        JSONFormat(),
    )


def _library() -> ctypes.CDLL:
    (path,) = (one for one in files("confluent-kafka") or () if one.name.startswith("librdkafka-"))
    return ctypes.CDLL(str(path.locate()))
