"""What a setting names is imported, or refused with the setting's name and a cure."""

import pytest

from msp_server.agents.loading import load
from msp_server.errors import ConfigurationError


def test_value_of_one_of_the_kinds_is_given():
    assert load("math:pi", "MSP_PI", int, float) == 3.141592653589793


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        ("no_such_module:pi", "cannot be imported: ModuleNotFoundError"),
        ("math:tau_and_a_half", "cannot be imported: AttributeError"),
        ("", "cannot be imported: ValueError"),
        ("math:pi", "math:pi is no int or str"),
    ],
)
def test_anything_else_is_a_fault_of_the_setting(reference, problem):
    with pytest.raises(ConfigurationError) as refused:
        load(reference, "MSP_PI", int, str)

    [fault] = refused.value.faults
    assert fault.name == "MSP_PI"
    assert problem in fault.problem
    assert "int or str" in fault.cure
