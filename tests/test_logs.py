"""Each record is one line of less than 1 KB, whoever wrote it."""

import io
import json
import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msp_server import logs
from msp_server.logs import (
    LINE_LIMIT_BYTES,
    JsonFormatter,
    LineWriter,
    TextFormatter,
    set_up_logging,
)

ROOT = Path(__file__).parents[1]
FORMATTERS = [TextFormatter(), JsonFormatter()]
MESSAGE_ID = "3c1e6b0a-9f4d-4c1b-8a77-2f5d1e0c9b8a"


def record(message, *args, name="msp_server.web.messages", error=None, created=1_700_000_000.0456):
    made = logging.LogRecord(
        name, logging.WARNING, "file.py", 1, message, args, error and (type(error), error, None)
    )
    made.created = created
    return made


def raised(words):
    try:
        raise ValueError(words)  # noqa: TRY301 - where it is raised is what is tested
    except ValueError as error:
        return error


def fields(message, *args, **more):
    return json.loads(JsonFormatter().format(record(message, *args, **more)))


@pytest.fixture
def _loggers_as_they_were():
    root, ours = logging.getLogger(), logging.getLogger("msp_server")
    before = root.level, ours.level, list(root.handlers)
    yield
    logging.captureWarnings(False)
    root.setLevel(before[0])
    ours.setLevel(before[1])
    root.handlers[:] = before[2]


@pytest.mark.usefixtures("_loggers_as_they_were")
def test_logging_keeps_libraries_quiet_at_every_level_of_ours():
    set_up_logging("DEBUG")

    assert logging.getLogger("msp_server.web").isEnabledFor(logging.DEBUG)
    for library in ("urllib3", "sqlalchemy.engine", "waitress", "werkzeug"):
        assert not logging.getLogger(library).isEnabledFor(logging.INFO)


def test_text_is_when_how_bad_who_and_what():
    line = TextFormatter().format(record("stored message_id=%.80r new=%s", "a", True))

    assert line.endswith(" WARNING msp_server.web.messages stored message_id='a' new=True")


def test_json_is_when_how_bad_who_and_what():
    told = fields("began")

    assert told == {
        "at": "2023-11-14T22:13:20.045Z",
        "level": "WARNING",
        "logger": "msp_server.web.messages",
        "message": "began",
    }


def test_json_has_what_a_message_names_as_fields_of_their_kind():
    told = fields(
        "released message_id=%.80r kind=%s attempts=%d again_in_s=%.1f new=%s answers=%s error=%s",
        *(MESSAGE_ID, "Text", 3, 0.52349, False, ["a", "b"], OSError("disk full")),
    )

    assert told["message"].startswith(f"released message_id='{MESSAGE_ID}' kind=Text attempts=3 ")
    assert {name: told[name] for name in told.keys() - {"at", "level", "logger", "message"}} == {
        "message_id": MESSAGE_ID,
        "kind": "Text",
        "attempts": 3,
        "again_in_s": 0.523,
        "new": False,
        "answers": ["a", "b"],
        "error": "disk full",
    }


def test_json_joins_names_and_values_across_what_has_no_name():
    told = fields("buried 100%% message_id=%.80r %s error=%s", "a", "why not", "worse")

    assert (told["message_id"], told["error"]) == ("a", "worse")
    assert told["message"] == "buried 100% message_id='a' why not error=worse"


def test_json_shows_no_more_of_a_value_than_the_text():
    told = fields("stored message_id=%.80r path=%.100s", "a" * 200, "b" * 200)

    assert told["message_id"] == "a" * 80
    assert told["path"] == "b" * 100


def test_json_keeps_its_own_fields_whatever_a_message_names():
    told = fields("said level=%s message=%s", "high", "hello")

    assert told["level"] == "WARNING"
    assert told["message"] == "said level=high message=hello"


def test_json_has_no_fields_of_what_libraries_say():
    told = fields("lost path=%s", "/secret", name="waitress")

    assert told.keys() == {"at", "level", "logger", "message"}


def test_json_cuts_the_longest_first_and_says_so():
    told = fields("released message_id=%.80r kind=%s error=%s", MESSAGE_ID, "Text", "e" * 5000)

    assert (told["message_id"], told["kind"]) == (MESSAGE_ID, "Text")
    assert told["error"].endswith("…")
    assert told["message"].endswith("…")


def test_json_keeps_the_beginning_of_a_long_list():
    told = fields("answered answers=%s", [f"{MESSAGE_ID} {number}" for number in range(100)])

    assert told["answers"][0] == f"{MESSAGE_ID} 0"
    assert told["answers"][-1] == "…"


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_exception_is_told_by_where_it_was_raised_and_not_by_what_it_says(formatter):
    line = formatter.format(record("it failed", name="waitress", error=raised("marzipan")))

    assert "ValueError in raised (test_logs.py:" in line
    assert "marzipan" not in line
    assert "\n" not in line


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_exception_that_another_handler_wrote_out_is_told_the_same_way(formatter):
    made = record("it failed", error=raised("marzipan"))
    logging.Formatter().format(made)

    assert "marzipan" not in formatter.format(made)


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_record_of_several_lines_is_one(formatter):
    line = formatter.format(record("one\ntwo\r\x1b[31mthree\u2028four", name="py.warnings"))

    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert all(word in line for word in ("one", "two", "three", "four"))


@pytest.mark.parametrize("formatter", FORMATTERS)
@settings(deadline=None, max_examples=50)
@given(
    words=st.text(max_size=3000) | st.text("é\n🎉\udc80", max_size=2000),
    parts=st.lists(st.text(max_size=400) | st.lists(st.text(max_size=90)), max_size=40),
)
def test_line_is_below_1_kb_and_one(formatter, words, parts):
    named = "".join(f" part{number}=%s" for number in range(len(parts)))
    made = record(f"%s{named}", words, *parts, error=raised(words))

    packed = formatter.format(made).encode()

    assert len(packed) <= LINE_LIMIT_BYTES < 1024
    assert b"\n" not in packed
    assert isinstance(formatter, TextFormatter) or json.loads(packed)["logger"] == made.name


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_process_logs_one_line_for_each_of_what_went_wrong(log_format):
    program = (
        "import logging, sys, warnings\n"
        "from msp_server.logs import set_up_logging\n"
        "set_up_logging('INFO', sys.argv[1])\n"
        "logging.getLogger('msp_server.app').info('stopped everything_done=%s', True)\n"
        "warnings.warn('old', stacklevel=1)\n"
        "try:\n"
        "    raise ValueError('marzipan')\n"
        "except ValueError:\n"
        "    logging.getLogger('waitress').exception('serving %s', '/' + 'a' * 2000)\n"
    )

    said = subprocess.run(
        [sys.executable, "-c", program, log_format],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stderr

    lines = said.splitlines()
    assert len(lines) == 3
    assert all(len(line.encode()) < 1024 for line in lines)
    assert "marzipan" not in said
    if log_format == "json":
        loggers = [json.loads(line)["logger"] for line in lines]
        assert loggers == ["msp_server.app", "py.warnings", "waitress"]


class Pipe(io.StringIO):
    """A stream that nobody reads until it is told to go on."""

    def __init__(self):
        super().__init__()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def write(self, text):
        self.begun.set()
        assert self.go_on.wait(10)
        return super().write(text)


def line_writer(stream):
    writer = LineWriter(stream)
    writer.setFormatter(logging.Formatter("%(message)s"))
    return writer


def test_lines_are_written_in_the_order_in_which_they_were_logged():
    stream = io.StringIO()
    writer = line_writer(stream)

    for number in range(1000):
        writer.handle(record("line %d", number))
    writer.flush()

    assert stream.getvalue().splitlines() == [f"line {number}" for number in range(1000)]


def test_who_logs_does_not_wait_for_who_reads_and_what_is_too_much_is_counted(monkeypatch):
    monkeypatch.setattr(logs, "LINES_LIMIT", 3)
    stream = Pipe()
    writer = line_writer(stream)
    writer.handle(record("first"))
    assert stream.begun.wait(10)

    for number in range(5):
        writer.handle(record("line %d", number))
    stream.go_on.set()
    writer.flush()

    *lines, last = stream.getvalue().splitlines()
    assert lines == ["first", "line 0", "line 1", "line 2"]
    assert last == "log was too slow: lines left out=2"


def test_a_record_that_cannot_be_written_costs_no_other_and_is_not_quoted():
    stream = io.StringIO()
    writer = line_writer(stream)

    writer.handle(record("number=%d", "what a customer said"))
    writer.handle(record("next"))
    writer.flush()

    first, last = stream.getvalue().splitlines()
    assert "error=TypeError" in first
    assert "customer" not in first
    assert last == "next"


def test_a_stream_that_is_gone_stops_nobody():
    stream = io.StringIO()
    writer = line_writer(stream)
    stream.close()

    writer.handle(record("lost"))
    writer.flush()

    assert writer._records.empty()


def test_what_was_logged_is_written_before_the_process_ends():
    program = (
        "import logging; from msp_server.logs import set_up_logging; set_up_logging('INFO');"
        "[logging.getLogger('msp_server').info('line %d', each) for each in range(500)]"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stderr.splitlines()[-1].endswith("line 499")
    assert len(done.stderr.splitlines()) == 500
