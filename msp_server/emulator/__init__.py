"""Apple's side on one machine, and a page that is the customer's phone.

Shares no code with the server: the two meet over HTTP only, so that neither can agree with a
mistake of the other.
"""

from msp_server.emulator.app import Emulator
from msp_server.emulator.settings import EmulatorSettings

__all__ = ["Emulator", "EmulatorSettings"]
