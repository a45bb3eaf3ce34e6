"""Exercise 14: ask for a payment. Apple Pay gives a session first, to who shows a certificate."""

from decimal import Decimal
from typing import Any

from msp_server import ApplePay, LineItem, PaymentEndpoints
from msp_server.exercises.config import destination, open_merchant_session, public_url, send

MERCHANT_NAME = "Example Shop"


def get_apple_pay_merchant_session(gateway_url: str) -> dict[str, Any]:
    """Ask Apple Pay for a session; it is good for two hours, and for this address."""
    return open_merchant_session(MERCHANT_NAME, gateway_url)


def send_apple_pay_request(destination_id: str, gateway_url: str) -> None:
    """Send one item to be paid for; the device posts the payment to the address."""
    session = get_apple_pay_merchant_session(gateway_url)
    print("Merchant session:", ", ".join(sorted(session)))
    request = ApplePay(
        "Your order",
        [LineItem("Item", Decimal("10.00"))],
        merchant_name=MERCHANT_NAME,
        country="US",
        currency="USD",
        endpoints=PaymentEndpoints(gateway_url),
    )
    print("Total:", request.total, request.currency)
    status = send(destination_id, request, session)
    print("Messages for Business server return code:", status)


if __name__ == "__main__":
    with destination() as customer:
        send_apple_pay_request(customer, f"{public_url()}/paymentGateway")

# Expected output:
# Merchant session: <anything>merchantSessionIdentifier, nonce, <anything>
# Total: 10.00 USD
# Messages for Business server return code: 200
