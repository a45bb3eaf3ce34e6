from datetime import date

import pytest

from msp_server.emulator.dates import DateFormat, FormatUnfit

DAY = date(2031, 4, 2)


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("MM/dd/yyyy", "04/02/2031"),
        ("yyyy-MM-dd", "2031-04-02"),
        ("d.M.yy", "2.4.31"),
        ("d. MMMM y", "2. April 2031"),
        ("MMM dd, yyyy", "Apr 02, 2031"),
        ("dd 'de' MMMM 'de' yyyy", "02 de April de 2031"),
    ],
)
def test_date_is_written_and_read_in_the_format(pattern, written):
    assert DateFormat(pattern).write(DAY) == written
    assert DateFormat(pattern).parse(written) == DAY


@pytest.mark.parametrize("text", ["2031-04-02", "2031-04-02T10:00:00Z"])
def test_iso_date_is_read_whatever_the_format(text):
    assert DateFormat("MM/dd/yyyy").parse(text) == DAY


@pytest.mark.parametrize(
    "text", ["", "02/30/2031", "2031-02-30", "13/01/2031", "04/02/31", "04-02-2031", "00/00/0000"]
)
def test_what_is_no_date_is_none(text):
    assert DateFormat("MM/dd/yyyy").parse(text) is None


def test_month_that_is_none_is_no_date():
    assert DateFormat("d MMM yyyy").parse("2 Abc 2031") is None


@pytest.mark.parametrize(
    "pattern", ["MM/yyyy", "MM/dd/yyyy HH", "MM/dd/yyy", "MM/MM/dd/yyyy", "it's", "x" * 1_000_000]
)
def test_format_not_understood_is_refused(pattern):
    with pytest.raises(FormatUnfit, match="such as MM/dd/yyyy"):
        DateFormat(pattern)
