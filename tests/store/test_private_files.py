"""Files beside a SQLite database."""

import os
import stat

import pytest

from msp_server.errors import StoreBusy, StoreUnavailable
from msp_server.store.private_files import lock, make_private, open_private


def test_a_private_file_is_its_owners_alone_whatever_the_umask(tmp_path):
    before = os.umask(0)
    make_private(tmp_path / "a.db")
    os.umask(before)

    assert stat.S_IMODE((tmp_path / "a.db").stat().st_mode) == 0o600


def test_a_private_file_that_is_there_keeps_what_is_in_it(tmp_path):
    (tmp_path / "a.db").write_bytes(b"kept")

    make_private(tmp_path / "a.db")

    assert (tmp_path / "a.db").read_bytes() == b"kept"


def test_a_private_file_that_cannot_be_made_says_which_setting_names_it(tmp_path):
    with pytest.raises(StoreUnavailable, match=r"a\.db cannot be written: No such.*MSP_DATA_DIR"):
        open_private(tmp_path / "missing" / "a.db")


def test_a_lock_is_held_by_one_and_free_once_that_is_closed(tmp_path):
    first = open_private(tmp_path / "a.db.worker")
    second = open_private(tmp_path / "a.db.worker")
    lock(first, tmp_path / "a.db.worker")

    with pytest.raises(StoreBusy, match=r"runs on .*a\.db: stop it first"):
        lock(second, tmp_path / "a.db.worker")
    os.close(first)

    lock(second, tmp_path / "a.db.worker")
    os.close(second)
