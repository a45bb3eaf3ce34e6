"""Exercise 07: send a list picker with a picture, the same in every item and in the bubble."""

from pathlib import Path

from msp_server import Bubble, Image, Item, ListPicker, Section
from msp_server.exercises.config import PICTURES, destination, send


def send_list_picker_with_images(destination_id: str, image_file_path: Path) -> None:
    """Send a list picker with a picture, a PNG of at most 200 KB, to a customer."""
    picture = Image(image_file_path.read_bytes())
    print("Picture:", image_file_path.name, f"({len(picture.data)} bytes)")
    picker = ListPicker(
        Bubble("Select Produce", "Farm fresh to you", image=picture),
        [
            Section(
                "Fruit",
                [
                    Item("Apple", "Red and delicious", image=picture),
                    Item("Orange", "Vitamin C boost", image=picture),
                ],
                multiple=True,
            ),
            Section(
                "Veggies",
                [
                    Item("Lettuce", "Crispy greens", image=picture),
                    Item("Cucumber", "Not just for your eye lids", image=picture),
                ],
            ),
        ],
        replied=Bubble("Selected Produce", image=picture),
    )
    status = send(destination_id, picker)
    print("Messages for Business server return code:", status)


if __name__ == "__main__":
    with destination() as customer:
        send_list_picker_with_images(customer, PICTURES / "apple.png")

# Expected output:
# Picture: apple.png (<anything> bytes)
# Messages for Business server return code: 200
