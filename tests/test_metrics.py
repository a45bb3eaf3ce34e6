"""Metrics are named alike, explained, and cost next to nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from msp_server import metrics

ROOT = Path(__file__).parents[1]


def value(name, **labels):
    return metrics.REGISTRY.get_sample_value(name, labels)


def families():
    return list(metrics.REGISTRY.collect())


def test_every_metric_is_ours_by_its_name():
    assert [each.name for each in families() if not re.fullmatch(r"msp_[a-z_]+", each.name)] == []


def test_every_metric_is_explained():
    assert [each.name for each in families() if len(each.documentation) < 20] == []


def test_every_metric_is_declared_in_the_registry_of_ours_alone():
    program = (
        "import msp_server.metrics, prometheus_client\n"
        "print(sorted(each.name for each in prometheus_client.REGISTRY.collect()))"
    )

    told = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "msp_" not in told


@pytest.mark.parametrize(
    ("status", "label"), [(None, "none"), (302, "3xx"), (400, "4xx"), (429, "4xx"), (503, "5xx")]
)
def test_send_that_was_not_accepted_is_counted_by_the_class_of_its_status(status, label):
    before = value("msp_sends_total", status=label) or 0

    metrics.count_send(status)

    assert value("msp_sends_total", status=label) == before + 1


def test_new_message_is_counted_by_its_kind():
    before = value("msp_received_total", kind="QuickReplyResponse") or 0

    metrics.count_acknowledged("QuickReplyResponse", 0.01, new=True)

    assert value("msp_received_total", kind="QuickReplyResponse") == before + 1


def test_message_that_came_again_is_counted_apart():
    received = value("msp_received_total", kind="Text")
    repeated = value("msp_repeated_total")

    metrics.count_acknowledged("Text", 0.01, new=False)

    assert value("msp_received_total", kind="Text") == received
    assert value("msp_repeated_total") == repeated + 1


def test_time_to_acknowledge_is_in_the_bucket_it_belongs_to():
    below, above = (value("msp_acknowledged_seconds_bucket", le=le) for le in ("0.05", "0.1"))

    metrics.count_acknowledged("Text", 0.07, new=True)

    assert value("msp_acknowledged_seconds_bucket", le="0.05") == below
    assert value("msp_acknowledged_seconds_bucket", le="0.1") == above + 1


def test_loop_is_asked_when_somebody_looks():
    asked = []

    metrics.watch_loop("weaving", lambda: 3, lambda: 2, lambda: asked.append(1) or 0.5)

    assert asked == []
    assert value("msp_loop_threads", loop="weaving") == 3
    assert value("msp_loop_working", loop="weaving") == 2
    assert value("msp_loop_looked_seconds", loop="weaving") == 0.5
    metrics.forget_loop("weaving")


def test_loop_that_is_forgotten_is_not_shown():
    metrics.watch_loop("weaving", lambda: 3, lambda: 2, lambda: 0.5)

    metrics.forget_loop("weaving")
    metrics.forget_loop("weaving")

    assert value("msp_loop_threads", loop="weaving") is None


def test_what_every_process_can_count_begins_at_zero():
    program = (
        "from msp_server import metrics\n"
        "for family in metrics.REGISTRY.collect():\n"
        "    for sample in family.samples:\n"
        "        print(sample.name, *sample.labels.values(), sample.value)"
    )

    told = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    for sample in (
        "msp_sends_total accepted",
        "msp_retries_total sending",
        "msp_attachment_bytes_total up",
        "msp_store_errors_total StoreUnavailable",
    ):
        assert f"{sample} 0.0" in told
