"""Account linkers: who connects a business with an account of theirs."""

from dataclasses import dataclass

from msp_server.agents.loading import load


@dataclass(frozen=True)
class Landing:
    """What the address of the landing page said; anybody can write such an address.

    Source: MSP API Tutorial, exercise 21.
    """

    #: Of the business or its account; a UUID in lower case.
    id: str
    #: What the page calls the business.
    name: str
    #: https address of a picture; None if there is none.
    logo: str | None = None


class AccountLinker:
    """Links accounts: write a subclass, and name an instance in the settings.

    The server keeps nothing of what people enter; what is to be known later, keep here.
    """

    def link(self, landing: Landing, user_name: str, password: str) -> None:
        """Check the password and link the account, or say why not.

        It is called in threads, several at a time, while the person waits. An error other than
        `LinkRefused` tells them to try again; it is logged without what it says.

        Args:
            landing: which business.
            user_name: as entered, at most 200 characters.
            password: as entered, at most 1000 characters; keep it no longer than the check.

        Raises:
            LinkRefused: with a sentence that tells the person what to correct.
        """
        raise NotImplementedError


def load_linker(reference: str) -> AccountLinker:
    """Import the account linker that a setting names.

    Args:
        reference: `module:attribute`.

    Raises:
        ConfigurationError: it cannot be imported, or is something else.
    """
    return load(reference, "MSP_ACCOUNT_LINKER", AccountLinker)
