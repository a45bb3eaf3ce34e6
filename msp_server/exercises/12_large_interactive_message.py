"""Exercise 12: receive an answer of more than 10 KB, which comes as a reference.

It is fetched, decrypted and decoded before a handler is asked. Send exercise 08 in a second
window and choose something: the pictures come back with the choice.
"""

import json
from pathlib import Path

from msp_server import Agent, Conversation, ListPickerResponse
from msp_server.exercises.config import answer_with

agent = Agent("large")


@agent.on(ListPickerResponse)
def receive_large_interactive_payload(
    picked: ListPickerResponse, _conversation: Conversation
) -> None:
    """Show what was chosen, and write down all that came."""
    decoded = json.dumps(picked.raw["interactiveData"], indent=2)
    by_reference = "interactiveDataRef" in picked.raw
    print("Came by reference:", by_reference)
    print("Selected:", ", ".join(picked.titles))
    path = Path("data_reference_debug.json")
    path.write_text(decoded)
    print("writing to local file:", path.name, flush=True)


if __name__ == "__main__":
    answer_with(agent)

# Expected output:
# Came by reference: True
# Selected: Apple, Carrot
# writing to local file: data_reference_debug.json
