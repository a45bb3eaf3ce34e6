"""Exercise 15: answer what a payment's sheet asks. A change of card, address or shipping may cost.

Start it, send exercise 16 in a second window, and pay on the phone.
"""

from decimal import Decimal
from typing import Any

from flask import Flask, request

from msp_server.exercises.config import listen

app = Flask(__name__)
ITEMS = {"Adoption": "1.50", "Shots": "1.00", "Outtake fee": "2.00", "Discount": "-1.00"}
SHIPPING = {"pickup": "0.00", "standard": "0.28", "express": "2.19"}
further: dict[str, str] = {}


def changed(what: str, part: str) -> str:
    """Give what the device says was changed."""
    return str(request.get_json()["payment"][what][part])


def sums() -> dict[str, Any]:
    """Give the bill as it is now: the total is the sum of its lines, whatever was changed."""
    bill = ITEMS | further
    total = sum(map(Decimal, bill.values()))
    print("New total:", total, flush=True)
    lines = [{"label": name, "amount": bill[name], "type": "final"} for name in bill]
    return {
        "newTotal": {"label": "Example Shop", "amount": str(total), "type": "final"},
        "newLineItems": lines,
    }


@app.post("/paymentMethodUpdate")
def process_paymentmethodupdate() -> dict[str, Any]:
    """Charge 0.50 for a credit card."""
    print("Payment method:", kind := changed("paymentMethod", "type"))
    further["Credit card"] = "0.50" if kind.lower() == "credit" else "0.00"
    return sums()


@app.post("/shippingContactUpdate")
def process_shippingcontactupdate() -> dict[str, Any]:
    """Charge 3.99 for a far away place."""
    print("Postal code:", code := changed("shippingContact", "postalCode"))
    further["Delivery"] = "3.99" if code == "90210" else "0.00"
    return sums()


@app.post("/shippingMethodUpdate")
def process_shippingmethodupdate() -> dict[str, Any]:
    """Charge what this way of shipping costs; the device's own word for it is not believed."""
    print("Shipping method:", identifier := changed("shippingMethod", "identifier"))
    further["Shipping"] = SHIPPING[identifier]
    return sums()


@app.post("/paymentGateway")
def process_payment() -> dict[str, str]:
    """Say that the card was charged."""
    print("Payment received!")
    print("Request Identifier:", request.get_json()["requestIdentifier"], flush=True)
    return {"status": "STATUS_SUCCESS"}


@app.post("/orderTracking")
def process_ordertracking() -> dict[str, str]:
    """Take note of the order."""
    print("Order tracking", flush=True)
    return {}


@app.post("/fallback")
def process_fallback() -> dict[str, str]:
    """Take note of a device that cannot pay in Messages."""
    print("Fallback", flush=True)
    return {}


@app.post("/message")
def receive_large_interactive_payload() -> str:
    """Take the message in which the device says that its sheet is closed, and any other."""
    return "ok"


if __name__ == "__main__":
    listen(app)

# Expected output:
# Payment method: Credit
# New total: 4.00
# Postal code: 90210
# New total: 7.99
# Shipping method: standard
# New total: 8.27
# Payment received!
# Request Identifier: <anything>
# Order tracking
