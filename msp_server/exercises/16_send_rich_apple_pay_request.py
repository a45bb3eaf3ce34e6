"""Exercise 16: ask for a payment with a picture, ways of shipping, and every address there is.

Start exercise 15 in another window: the customer's device asks it, while the sheet is open.
"""

from decimal import Decimal

from msp_server import (
    ApplePay,
    Bubble,
    ContactField,
    Image,
    LineItem,
    PaymentEndpoints,
    ShippingMethod,
)
from msp_server.exercises.config import (
    PICTURES,
    destination,
    open_merchant_session,
    public_url,
    send,
)


def send_apple_pay_request(destination_id: str, endpoints: PaymentEndpoints) -> None:
    """Send a bill with a discount, shipping, and what the customer has to tell."""
    request = ApplePay(
        Bubble("Your new friend", image=Image((PICTURES / "kettle.png").read_bytes())),
        [
            LineItem("Adoption", Decimal("1.50")),
            LineItem("Shots", Decimal("1.00")),
            LineItem("Outtake fee", Decimal("2.00")),
            LineItem("Discount", Decimal("-1.00")),
        ],
        merchant_name="Example Shop",
        country="US",
        currency="USD",
        shipping_methods=[
            ShippingMethod("Pick up", Decimal("0.00"), "At the shop", identifier="pickup"),
            ShippingMethod("Standard", Decimal("0.28"), "Three days", identifier="standard"),
            ShippingMethod("Express", Decimal("2.19"), "Tomorrow", identifier="express"),
        ],
        billing_fields=[ContactField.POST],
        shipping_fields=[ContactField.POST, ContactField.NAME, ContactField.EMAIL],
        endpoints=endpoints,
    )
    print("Total:", request.total, request.currency)
    session = open_merchant_session(request.merchant_name, endpoints.gateway_url)
    status = send(destination_id, request, session)
    print("Messages for Business server return code:", status)


if __name__ == "__main__":
    with destination() as customer:
        send_apple_pay_request(customer, PaymentEndpoints.below(public_url()))

# Expected output:
# Total: 3.50 USD
# Messages for Business server return code: 200
