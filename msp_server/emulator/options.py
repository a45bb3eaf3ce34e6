"""The command line's options that say what the emulator has to know, and the settings they make."""

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, Final, TypeAlias, TypedDict

import click

from msp_server.emulator.settings import (
    EmulatorSettings,
    SettingsUnfit,
    parse_business_ids,
    parse_secrets,
)

Command: TypeAlias = Callable[..., Any]
HELP: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Options(TypedDict):
    """What the command line gives, by the options' names."""

    host: str
    allow_host: tuple[str, ...]
    port: int
    msp: str
    msp_id: str
    secret: str
    business_id: str
    oauth_client_id: str
    oauth_client_secret: str
    oauth_url: str | None
    oauth_token_url: str | None
    token_max_age_s: float
    data_dir: Path | None


#: In the order in which the help shows them.
_OPTIONS: Final = (
    click.option(
        "--host",
        envvar="MSP_EMULATOR_HOST",
        default="127.0.0.1",
        show_default=True,
        show_envvar=True,
        help="Address to listen on; there are no passwords, so beyond loopback only with "
        "--allow-host.",
    ),
    click.option(
        "--allow-host",
        multiple=True,
        envvar="MSP_EMULATOR_ALLOW_HOST",
        show_envvar=True,
        help="Name by which others than this machine may reach the emulator, as their browsers "
        "have it; may be given several times, in the variable with spaces between.",
    ),
    click.option(
        "--port",
        type=int,
        envvar="MSP_EMULATOR_PORT",
        default=8004,
        show_default=True,
        show_envvar=True,
        help="Port to listen on: the MSP's gateway has to be http://localhost:PORT/v1. 0 takes a "
        "free one.",
    ),
    click.option(
        "--msp",
        envvar="MSP_EMULATOR_MSP",
        default="http://127.0.0.1:8002",
        show_default=True,
        show_envvar=True,
        help="Base address of the MSP under test; /message is appended, as Apple does.",
    ),
    click.option(
        "--msp-id",
        envvar="MSP_ID",
        default="",
        show_envvar=True,
        help="The MSP's id: iss of its tokens, aud of Apple's. Required.",
    ),
    click.option(
        "--secret",
        envvar="MSP_SECRET",
        default="",
        show_envvar=True,
        help="Secret shared with the MSP, in Base64; several with commas: the first signs, all "
        "verify. Required; the variable keeps it out of the list of processes.",
    ),
    click.option(
        "--business-id",
        envvar="MSP_BUSINESS_ID",
        default="",
        show_envvar=True,
        help="Id of a business of the MSP; several with commas. Each gets a first customer. "
        "Required.",
    ),
    click.option(
        "--oauth-client-id",
        envvar="MSP_OAUTH_CLIENT_ID",
        default="emulator",
        show_default=True,
        show_envvar=True,
        help="Client id of the business at its OAuth provider.",
    ),
    click.option(
        "--oauth-client-secret",
        envvar="MSP_OAUTH_CLIENT_SECRET",
        default="emulator-client-secret",
        show_default=True,
        show_envvar=True,
        help="Its client secret, which the emulator's own provider asks for; the variable keeps it "
        "out of the list of processes.",
    ),
    click.option(
        "--oauth-url",
        envvar="MSP_EMULATOR_OAUTH_URL",
        show_envvar=True,
        help="Where customers sign in, as registered with Apple; else at the emulator's own "
        "provider.",
    ),
    click.option(
        "--oauth-token-url",
        envvar="MSP_EMULATOR_OAUTH_TOKEN_URL",
        show_envvar=True,
        help="Where codes are exchanged, as registered with Apple; goes with --oauth-url.",
    ),
    click.option(
        "--token-max-age-s",
        type=float,
        envvar="MSP_TOKEN_MAX_AGE_S",
        default=3600,
        show_default=True,
        show_envvar=True,
        help="How many seconds a token's iat may be from now, either way; 0 turns the check off.",
    ),
    click.option(
        "--data-dir",
        type=click.Path(path_type=Path),
        envvar="MSP_EMULATOR_DATA_DIR",
        show_envvar=True,
        help="Directory on a disk with room for 2 GiB of files, which go at the end; else the "
        "system's place for temporary files.",
    ),
)


def settings_options(command: Command) -> Command:
    """Give a command every option of the settings."""
    return reduce(lambda inner, option: option(inner), reversed(_OPTIONS), command)


def read_settings(options: Options, seed: str = "") -> EmulatorSettings:
    """Make the settings the command line asks for.

    Raises:
        SettingsUnfit: a value cannot be used; lists every fault at once.
    """
    faults: list[str] = []
    api_secrets: tuple[bytes, ...] = (b"stands in",)  # so that the other faults are found as well
    try:
        api_secrets = parse_secrets(options["secret"])
    except SettingsUnfit as unfit:
        faults.extend(unfit.faults)
    try:
        settings = EmulatorSettings(
            msp_id=options["msp_id"].strip(),
            api_secrets=api_secrets,
            business_ids=parse_business_ids(options["business_id"]),
            msp_url=options["msp"],
            host=options["host"],
            allowed_hosts=options["allow_host"],
            port=options["port"],
            oauth_client_id=options["oauth_client_id"],
            oauth_client_secret=options["oauth_client_secret"],
            oauth_url=options["oauth_url"] or None,
            oauth_token_url=options["oauth_token_url"] or None,
            token_max_age_s=options["token_max_age_s"],
            data_dir=options["data_dir"],
            seed=seed,
        )
    except SettingsUnfit as unfit:
        faults.extend(unfit.faults)
    if faults:
        raise SettingsUnfit(faults)
    return settings
