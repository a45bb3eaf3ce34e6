import random
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msp_server.errors import AttachmentUnusable, ContentInvalid
from msp_server.messages import attachment as attachment_module
from msp_server.messages.attachment import NAME_LIMIT_BYTES, Attachment, clean_name, clean_type
from msp_server.messages.checked import build
from msp_server.messages.text import Text

DATA = bytes(range(256)) * 2000  # more than one chunk
#: What a name can be made of to do harm.
NASTY = [
    *["..", "/", "\\", ":", ".", " ", "~", "C:", "con", "NUL", "aux.", "com1", "$HOME", "%00"],
    *["\0", "\n", "\r", "\t", "\x7f", "\x85", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028"],
    *["\ud800", "\udfff", "\ue000", "\U000e0041", "\u00a0", "\u3000", "\u0301", "\ufffc"],
    *[
        '"',
        "'",
        "<",
        ">",
        "|",
        "?",
        "*",
        ";",
        "-",
        "a",
        "é",
        "👩‍👩‍👧",
        "漢" * 40,
        "x" * 300,
        "tar.gz",
    ],
]


def nasty_name(source):
    """Make a name of pieces that do harm."""
    return "".join(source.choices(NASTY, k=source.randrange(8)))


@pytest.fixture
def directory(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    return inside


@pytest.fixture
def invoice(tmp_path):
    path = tmp_path / "invoice.pdf"
    path.write_bytes(DATA)
    return path


class Broken:
    """A stream that ends in an error."""

    def __init__(self):
        self.chunks = iter([b"begun"])

    def read(self, _size, /):
        try:
            return next(self.chunks)
        except StopIteration:
            raise OSError("cut off") from None


# Names


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("invoice.pdf", "invoice.pdf"),
        ("Grüße an alle.txt", "Grüße an alle.txt"),
        ("archive.tar.gz", "archive.tar.gz"),
        ("漢字.png", "漢字.png"),
        ("👋.png", "👋.png"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\boot.ini", "boot.ini"),
        ("C:boot.ini", "boot.ini"),
        ("notes.txt:hidden", "hidden"),
        ("dir/", "file"),
        ("..", "file"),
        (".", "file"),
        ("", "file"),
        ("   ", "file"),
        ("\0", "file"),
        ("\ud800", "file"),
        (".bashrc", "bashrc"),
        ("...a..", "a"),
        (" a.txt ", "a.txt"),
        ("a .txt", "a.txt"),
        ("a\nb\r\tc.txt", "abc.txt"),
        ("a\0.txt", "a.txt"),
        ("a\u202etxt.exe", "atxt.exe"),
        ("a\u200b\ufeff\u2066b", "ab"),
        ("a\u00a0b\u2028c", "abc"),
        ("half \ud83d.txt", "half.txt"),
        ('a<b>"c"|d?e*.txt', "a_b__c__d_e_.txt"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("con .txt", "_con.txt"),
        ("con" + " " * 300 + "x", "_con"),
        ("nul.tar.gz", "_nul.tar.gz"),
        ("LPT1.pdf", "_LPT1.pdf"),
        ("com0", "_com0"),
        ("console.txt", "console.txt"),
        ("x" * 300, "x" * 200),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("x" * 300 + ". pdf", "x" * 195 + ". pdf"),
        ("é" * 300 + ".pdf", "é" * 98 + ".pdf"),
        ("👋" * 300 + ".pdf", "👋" * 49 + ".pdf"),
        ("a." + "x" * 16, "a." + "x" * 16),
        ("a." + "x" * 300, "a." + "x" * 197),
        ("con." + "x" * 300, "_con." + "x" * 194),
    ],
)
def test_clean_name_makes_a_label_that_is_safe(name, label):
    assert clean_name(name)[: len(label) + 9] == label


def test_clean_name_changes_nothing_of_a_clean_name():
    source = random.Random(1)  # noqa: S311 - the same names every time
    names = {clean_name(nasty_name(source)) for _ in range(10_000)}

    assert {name: clean_name(name) for name in names} == {name: name for name in names}


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_clean_name_of_any_text_is_one_part_of_a_path(name):
    label = clean_name(name)

    assert Path(label).parts == (label,)
    assert 0 < len(label.encode()) <= NAME_LIMIT_BYTES


def test_ten_thousand_names_that_do_harm_become_one_part_of_a_path():
    source = random.Random(2)  # noqa: S311 - the same names every time
    for _ in range(10_000):
        attachment = Attachment(b"", nasty_name(source))
        assert Path(attachment.name).parts == (attachment.name,)
        assert attachment.name not in (".", "..")
        assert 0 < len(attachment.name.encode()) <= NAME_LIMIT_BYTES
        assert attachment.name.isprintable()


def test_names_that_do_harm_are_written_in_the_directory_alone(directory):
    source = random.Random(3)  # noqa: S311 - the same names every time
    saved = {Attachment(b"", nasty_name(source)).save(directory) for _ in range(200)}

    assert len(saved) == 200
    assert max(len(path.name.encode()) for path in saved) <= 255
    assert set(directory.iterdir()) == saved
    assert list(directory.parent.iterdir()) == [directory]


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_name_is_written_in_the_directory_alone(tmp_path_factory, name):
    directory = tmp_path_factory.mktemp("inside")

    path = Attachment(b"x", name).save(directory)

    assert list(directory.iterdir()) == [path]
    assert path.read_bytes() == b"x"


# Types


@pytest.mark.parametrize(
    ("given_type", "mime_type"),
    [
        ("image/png", "image/png"),
        ("Image/PNG", "image/png"),
        ("image/svg+xml", "image/svg+xml"),
        ("x" * 100 + "/" + "x" * 100, "x" * 100 + "/" + "x" * 100),
        ("x" * 101 + "/x", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("image", "application/octet-stream"),
        ("image/", "application/octet-stream"),
        ("image/png; charset=x", "application/octet-stream"),
        ("image/png\n", "application/octet-stream"),
        ("image/é", "application/octet-stream"),
    ],
)
def test_clean_type_gives_a_type_or_the_one_of_unknown_files(given_type, mime_type):
    assert clean_type(given_type) == mime_type


# Values


def test_a_path_tells_name_type_and_size(invoice):
    attachment = Attachment(invoice)

    assert (attachment.name, attachment.mime_type) == ("invoice.pdf", "application/pdf")
    assert attachment.size_bytes == len(DATA)


def test_bytes_tell_their_size():
    attachment = Attachment(DATA)

    assert (attachment.name, attachment.mime_type) == ("file", "application/octet-stream")
    assert attachment.size_bytes == len(DATA)


def test_a_stream_tells_no_size():
    assert Attachment(BytesIO(DATA)).size_bytes is None


def test_what_is_given_counts_before_what_a_path_tells(invoice):
    attachment = Attachment(invoice, "../bill.txt", "Text/Markdown")

    assert (attachment.name, attachment.mime_type) == ("bill.txt", "text/markdown")


def test_a_type_that_is_none_is_not_taken():
    assert Attachment(b"", "a.png", "png").mime_type == "application/octet-stream"


def test_an_attachment_does_not_show_its_bytes():
    assert "private" not in repr(Attachment(b"private", "a.txt"))


@pytest.mark.parametrize("source", ["invoice.pdf", None, 5, ["x"], {"path": "x"}])
def test_an_attachment_of_something_else_is_refused(source):
    with pytest.raises(ContentInvalid, match="source is no file; give a Path, bytes, or"):
        Attachment(source)


@pytest.mark.parametrize(
    "attachment", ["invoice.pdf", {"source": "invoice.pdf"}, {"source": "aGk=", "name": "x"}]
)
def test_json_makes_no_attachment(attachment):
    with pytest.raises(ContentInvalid, match=r"Text\.attachments\[0\] input should be an instance"):
        build(Text, {"body": "Hello", "attachments": [attachment]})


# Reading


@pytest.mark.parametrize("kind", ["path", "bytes", "stream"])
def test_an_attachment_is_read(kind, invoice):
    source = {"path": invoice, "bytes": DATA, "stream": BytesIO(DATA)}[kind]

    with Attachment(source).open() as file:
        assert file.read(len(DATA) + 1) == DATA


def test_a_file_is_closed_after_it_was_read(invoice):
    with Attachment(invoice).open() as file:
        pass

    assert file.closed


def test_a_file_that_is_not_there_says_so(tmp_path):
    attachment = Attachment(tmp_path / "missing.pdf")

    assert attachment.size_bytes is None
    with pytest.raises(AttachmentUnusable, match="cannot be opened: No such file"):
        attachment.open().__enter__()


def test_a_directory_is_no_file(tmp_path):
    with pytest.raises(AttachmentUnusable, match="cannot be opened: Is a directory"):
        Attachment(tmp_path).open().__enter__()


def test_a_file_that_cannot_be_had_says_why(invoice, directory):
    attachment = Attachment(invoice, problem="Apple no longer has it")

    assert attachment.size_bytes is None
    with pytest.raises(AttachmentUnusable, match="Apple no longer has it"):
        attachment.save(directory)
    assert list(directory.iterdir()) == []


# Saving


@pytest.mark.parametrize("kind", ["path", "bytes", "stream"])
def test_an_attachment_is_saved_under_its_name(kind, invoice, directory):
    source = {"path": invoice, "bytes": DATA, "stream": BytesIO(DATA)}[kind]

    path = Attachment(source, "bill.pdf").save(directory)

    assert path == directory / "bill.pdf"
    assert path.read_bytes() == DATA


@pytest.mark.parametrize(
    ("name", "names"),
    [("a.pdf", ["a.pdf", "a 2.pdf", "a 3.pdf"]), ("a", ["a", "a 2", "a 3"])],
)
def test_a_name_that_is_taken_is_counted_up(name, names, directory):
    saved = [Attachment(bytes([each]), name).save(directory) for each in range(3)]

    assert [path.name for path in saved] == names
    assert [path.read_bytes() for path in saved] == [b"\0", b"\1", b"\2"]


def test_a_link_that_has_the_name_is_not_followed(directory, tmp_path):
    (directory / "a.txt").symlink_to(tmp_path / "outside.txt")

    path = Attachment(b"x", "a.txt").save(directory)

    assert path.name == "a 2.txt"
    assert not (tmp_path / "outside.txt").exists()


def test_a_file_that_cannot_be_read_to_its_end_is_not_left_behind(directory):
    with pytest.raises(AttachmentUnusable, match="cannot be saved: cut off"):
        Attachment(Broken(), "a.txt").save(directory)

    assert list(directory.iterdir()) == []


def test_a_directory_that_is_not_there_is_made(tmp_path):
    path = Attachment(b"x", "a.txt").save(tmp_path / "in" / "box")

    assert path.read_bytes() == b"x"


def test_a_directory_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_bytes(b"in the way")

    with pytest.raises(AttachmentUnusable, match="cannot be saved: "):
        Attachment(b"x", "a.txt").save(tmp_path / "file" / "box")


def test_a_name_that_is_never_free_says_so(directory, monkeypatch):
    monkeypatch.setattr(attachment_module, "_PLACES_TRIED", 4)
    saved = [Attachment(b"", "a").save(directory).name for _ in range(3)]

    with pytest.raises(AttachmentUnusable, match="no name is free"):
        Attachment(b"", "a").save(directory)
    assert sorted(each.name for each in directory.iterdir()) == saved == ["a", "a 2", "a 3"]
