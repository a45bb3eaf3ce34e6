"""Exercise 06: send a list picker: in one section several can be chosen, in the other one."""

from msp_server import Bubble, Item, ListPicker, Section
from msp_server.exercises.config import destination, send


def send_text_list_picker(destination_id: str) -> None:
    """Send a list picker without pictures to a customer."""
    picker = ListPicker(
        Bubble("Select Produce", "Farm fresh to you"),
        [
            Section(
                "Fruit",
                [Item("Apple", "Red and delicious"), Item("Orange", "Vitamin C boost")],
                multiple=True,
            ),
            Section(
                "Veggies",
                [Item("Lettuce", "Crispy greens"), Item("Cucumber", "Not just for your eye lids")],
            ),
        ],
        replied="Selected Produce",
    )
    for section in picker.sections:
        print(f"{section.title}:", ", ".join(item.title for item in section.all_items))
    status = send(destination_id, picker)
    print("Messages for Business server return code:", status)


if __name__ == "__main__":
    with destination() as customer:
        send_text_list_picker(customer)

# Expected output:
# Fruit: Apple, Orange
# Veggies: Lettuce, Cucumber
# Messages for Business server return code: 200
