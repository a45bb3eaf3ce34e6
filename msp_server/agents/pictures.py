"""Pictures for agents to show, made by this project."""

from pathlib import Path
from typing import Final

from msp_server.messages.image import Image

_ARTWORK: Final = Path(__file__).parent / "artwork"


def _read(name: str, description: str) -> Image:
    return Image((_ARTWORK / name).read_bytes(), description=description)


APPLE: Final = _read("apple.png", "a red apple")
LEMON: Final = _read("lemon.png", "a lemon")
CARROT: Final = _read("carrot.png", "a carrot")
KETTLE: Final = _read("kettle.png", "a blue kettle")
