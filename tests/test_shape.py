"""The shape of the project itself."""

from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "msp_server"
TOP_LEVEL = {
    "msp_server",
    "tests",
    "config.example.env",
    "requirements.txt",
    "pyproject.toml",
    "Makefile",
    "README.md",
}


def modules():
    """Give the source modules that have a test of their own; exercises and migrations share one."""
    for file in PACKAGE.rglob("*.py"):
        inside = file.relative_to(PACKAGE)
        if file.name != "__init__.py" and not {"exercises", "migrations"} & set(inside.parts):
            yield inside


def test_every_source_module_has_its_mirror_test():
    mirrors = {
        module: ROOT / "tests" / module.with_name(f"test_{module.name.strip('_')}")
        for module in modules()
    }

    missing = [
        str(module)
        for module, mirror in mirrors.items()
        if not mirror.with_name(mirror.name.replace("__.py", ".py")).exists()
    ]

    assert missing == []


def test_every_mirror_test_has_its_source_module():
    rooms = [path for path in PACKAGE.iterdir() if path.is_dir() and path.name != "exercises"]
    sources = {str(module.with_name(module.name.strip("_"))) for module in modules()}
    sources |= {source.replace("__.py", ".py") for source in sources}

    orphans = [
        str(test.relative_to(ROOT))
        for room in rooms
        for test in (ROOT / "tests" / room.name).glob("test_*.py")
        if f"{room.name}/{test.name.removeprefix('test_')}" not in sources
    ]

    assert orphans == []


def test_no_module_imports_itself_in_a_circle():
    graph = grimp.build_graph("msp_server", cache_dir=None)

    circles = [
        module
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
        if graph.chain_exists(importer=imported, imported=module)
    ]

    assert circles == []


def test_top_level_holds_nothing_else():
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}

    left_by_pip = {"build", "msp_server.egg-info"}
    assert found - {"var"} - left_by_pip == TOP_LEVEL


def test_exercises_have_the_tutorials_numbers_and_names():
    names = [file.stem for file in sorted((PACKAGE / "exercises").glob("[0-9]*.py"))]

    assert names == [
        "00_listening",
        "01_receiving_text_message",
        "02_verify_message",
        "03_send_text_message",
        "04_send_image_attachment",
        "05_downloading_attachments",
        "06_send_text_list_picker",
        "07_send_list_picker_with_image",
        "08_send_list_picker_with_multiple_images",
        "09_send_list_picker_with_data_ref",
        "10_send_time_picker_with_user_timezone",
        "11_send_time_picker_with_fixed_timezone",
        "12_large_interactive_message",
        "13_test_payment_gateway",
        "14_send_apple_pay_request",
        "15_handle_payment_gateway",
        "16_send_rich_apple_pay_request",
        "17_generate_key_pair_and_nonce",
        "18_send_auth_request",
        "19_receive_auth_response",
        "20_decode_token_get_user_data",
        "21_create_landing_page",
        "22_invoke_custom_extension",
        "23_send_quick_reply",
    ]


def test_exercises_fit_a_screen():
    lengths = {
        file.name: len(file.read_text().splitlines())
        for file in (PACKAGE / "exercises").glob("[0-9]*.py")
    }

    # The tutorial's 15 is seven functions, each with an address of its own.
    longest = {name: 100 if name.startswith("15_") else 60 for name in lengths}
    assert all(length <= longest[name] for name, length in lengths.items()), lengths
