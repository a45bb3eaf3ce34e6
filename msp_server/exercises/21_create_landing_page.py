"""Exercise 21: a page on which a business, or a customer, links an account.

Open the address that it prints. The page is the server's own: `/landingPage`,
`/landingPage_handle`, `/landingPage_done`. What is done with what was typed in is ours.
"""

import sys
import uuid
from urllib.parse import urlencode

from flask import Flask

from msp_server import AccountLinker, Landing
from msp_server.exercises.config import listen, settings
from msp_server.web import landing
from msp_server.web.slots import Slots


class PrintingLinker(AccountLinker):
    """Prints what is saved."""

    def link(self, account: Landing, user_name: str, _password: str) -> None:
        """Save everything but the password."""
        print("id:", account.id)
        print("name:", account.name)
        print("logo:", account.logo)
        print("userName:", user_name, flush=True)


app = Flask(__name__)
app.register_blueprint(landing.blueprint(settings().api_secrets, PrintingLinker(), Slots()))


if __name__ == "__main__":
    query = urlencode({"id": str(uuid.uuid4()), "name": "Example Shop"})
    print(f"{settings().server_url}/landingPage?{query}", file=sys.stderr, flush=True)
    listen(app)

# Expected output:
# id: <anything>
# name: Example Shop
# logo: None
# userName: kim
