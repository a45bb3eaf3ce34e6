"""Exercise 08: send a list picker with several pictures, and ask for a reference to it."""

import json
from collections.abc import Mapping
from pathlib import Path

from msp_server import Bubble, Image, Item, ListPicker, Section
from msp_server.exercises.config import PICTURES, data_ref_file, destination, send_for_answer


def send_list_picker_with_images(destination_id: str, images: Mapping[str, Path]) -> None:
    """Send a list picker to a customer, and keep the reference by which it can be sent again."""
    pictures = {}
    for name, path in images.items():
        pictures[name] = Image(path.read_bytes())
        print(name, "encoded!")
    fruit = [
        Item("Apple", "Red and delicious", image=pictures["apple"]),
        Item("Lemon", "Vitamin C boost", image=pictures["lemon"]),
    ]
    veggies = [Item("Carrot", "Crispy and sweet", image=pictures["carrot"])]
    picker = ListPicker(
        Bubble("Select Produce", "Farm fresh to you", image=pictures["apple"]),
        [Section("Fruit", fruit, multiple=True), Section("Veggies", veggies)],
        replied="Selected Produce",
        reusable=True,  # the header include-data-ref
    )
    answer = send_for_answer(destination_id, picker)
    print("Messages for Business server return code:", answer.status)
    data_ref = json.loads(answer.body)["dataRef"]
    print("Reference:", json.dumps(data_ref))
    data_ref_file().write_text(json.dumps(data_ref))
    print("Kept for exercise 09 in", data_ref_file().name)


if __name__ == "__main__":
    names = ("apple", "lemon", "carrot")
    with destination() as customer:
        send_list_picker_with_images(customer, {name: PICTURES / f"{name}.png" for name in names})

# Expected output:
# apple encoded!
# lemon encoded!
# carrot encoded!
# Messages for Business server return code: 200
# Reference: {"bid": <anything>}
# Kept for exercise 09 in data_ref.json
