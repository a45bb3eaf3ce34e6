"""The devices a customer may hold, and what each can show."""

from dataclasses import dataclass
from typing import Final

from msp_server.emulator.packing import JsonObject

#: All that a device can have. Source: MSP REST API, "Sending Messages" (capability-list).
CAPABILITIES: Final = ("LIST", "TIME", "QUICK", "FORM", "AUTH", "AUTH2")


@dataclass(frozen=True)
class Device:
    """One kind of device."""

    name: str
    #: What it can show, in the order of the header capability-list.
    capabilities: tuple[str, ...]
    #: Whether it opens iMessage apps; no capability tells that.
    opens_apps: bool = True

    def to_json(self) -> JsonObject:
        """Give the device as the control plane shows it."""
        return {
            "name": self.name,
            "capabilities": list(self.capabilities),
            "opens_apps": self.opens_apps,
        }


#: Every device, by name; a new customer holds the first.
#: Source: MSP REST API, "Sending Messages" (forms, iMessage apps: iPhone and iPad alone); which
#: older iPhone lacks what is assumed.
DEVICES: Final = {
    device.name: device
    for device in (
        Device("iphone", CAPABILITIES),
        Device("ipad", CAPABILITIES),
        Device("mac", ("LIST", "TIME", "QUICK", "AUTH", "AUTH2"), opens_apps=False),
        Device("iphone-no-form", ("LIST", "TIME", "QUICK", "AUTH")),
        Device("iphone-2018", ()),
    )
}
