import zlib

from msp_server.emulator import gzip_bomb
from msp_server.emulator.gzip_bomb import BOMB_BYTES, make_bomb


def test_bomb_is_small_and_unpacks_to_a_gibibyte_and_the_message():
    bomb = make_bomb(b'{"v": 1}')
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    size, end, rest = 0, b"", bomb

    while rest:
        out = reader.decompress(rest, 8 * 1024 * 1024)
        size, end, rest = size + len(out), (end + out)[-16:], reader.unconsumed_tail
    end += reader.flush()

    assert reader.eof  # and so length and checksum are right
    assert size == BOMB_BYTES + len('{"v": 1}')
    assert end.endswith(b'   {"v": 1}')
    assert len(bomb) < 2 * 1024 * 1024


def test_spaces_are_packed_once():
    make_bomb(b"{}")
    made = gzip_bomb._make_start.cache_info().misses

    make_bomb(b"[]")

    assert gzip_bomb._make_start.cache_info().misses == made
