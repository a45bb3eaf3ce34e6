"""Who links accounts."""

import itertools

import pytest

from msp_server.agents.linker import AccountLinker, Landing, load_linker
from msp_server.errors import ConfigurationError

GOOD = """
from msp_server.agents.linker import AccountLinker

class ShopLinker(AccountLinker):
    def link(self, landing, user_name, password):
        pass

linker = ShopLinker()
"""

numbers = itertools.count()


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Give a function that writes a module anew and gives its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(source):
        name = f"linker_{next(numbers)}"
        (tmp_path / f"{name}.py").write_text(source, "utf-8")
        return name

    return write


def test_load_linker_gives_the_instance(module):
    linker = load_linker(f"{module(GOOD)}:linker")

    assert type(linker).__name__ == "ShopLinker"
    assert isinstance(linker, AccountLinker)


@pytest.mark.parametrize("reference", ["no_such_module:linker", ":linker", "", "a b:c"])
def test_load_linker_refuses_a_module_that_is_not_there(reference):
    with pytest.raises(ConfigurationError, match="cannot be imported"):
        load_linker(reference)


@pytest.mark.parametrize("attribute", [":nobody", ":", ""])
def test_load_linker_refuses_an_attribute_that_is_not_there(attribute, module):
    with pytest.raises(ConfigurationError, match="cannot be imported: AttributeError"):
        load_linker(f"{module(GOOD)}{attribute}")


@pytest.mark.parametrize("source", ["raise KeyError('x')\n", "linker =\n"])
def test_load_linker_refuses_a_module_that_raises(source, module):
    with pytest.raises(ConfigurationError, match="cannot be imported"):
        load_linker(f"{module(source)}:linker")


def test_load_linker_refuses_the_class_and_names_the_setting(module):
    with pytest.raises(ConfigurationError) as refused:
        load_linker(f"{module(GOOD)}:ShopLinker")

    assert [(fault.name, bool(fault.cure)) for fault in refused.value.faults] == [
        ("MSP_ACCOUNT_LINKER", True)
    ]
    assert "no AccountLinker" in str(refused.value)


def test_linker_that_does_nothing_links_nothing():
    landing = Landing("0f0e0d0c-0b0a-0908-0706-050403020100", "Shop")

    with pytest.raises(NotImplementedError):
        AccountLinker().link(landing, "ava", "marzipan")
