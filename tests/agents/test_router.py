import itertools
from dataclasses import replace

import pytest

from msp_server.agents.agent import Agent
from msp_server.agents.conversation import Conversation
from msp_server.agents.program import Program
from msp_server.agents.router import Router, load_router
from msp_server.errors import ConfigurationError
from msp_server.messages.ids import BusinessId, MessageId, OpaqueId

SHOP = "a1b2c3d4-e5f6-4789-8abc-def012345678"
BANK = "0f0e0d0c-0b0a-4908-8706-050403020100"
CONVERSATION = Conversation(
    business_id=BusinessId(SHOP),
    customer_id=OpaqueId("urn:mbid:AQAAY7madeUp="),
    message_id=MessageId("3c1e6b0a-9f4d-4c1b-8a77-2f5d1e0c9b8a"),
    intent="billing",
    group="vip",
)
DEFAULT = Agent("default")
CHOSEN = Agent("chosen")

numbers = itertools.count()


def chosen(conversation=CONVERSATION, **route):
    """Choose with one route beside the default."""
    router = Router(default=DEFAULT)
    router.add(CHOSEN, **route)
    return router.choose(conversation)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Give a function that writes a module anew and gives its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(source):
        name = f"desk_{next(numbers)}"
        (tmp_path / f"{name}.py").write_text(source, "utf-8")
        return name

    return write


def test_choose_gives_the_default_when_there_is_no_route():
    assert Router(default=DEFAULT).choose(CONVERSATION) is DEFAULT


@pytest.mark.parametrize(
    "route",
    [
        {},
        {"business_id": SHOP},
        {"business_id": SHOP.upper()},
        {"business_id": f"urn:biz:{SHOP}"},
        {"intent": "billing"},
        {"group": "vip"},
        {"business_id": SHOP, "intent": "billing", "group": "vip"},
    ],
)
def test_choose_gives_the_agent_of_a_route_that_matches(route):
    assert chosen(**route) is CHOSEN


@pytest.mark.parametrize(
    "route",
    [
        {"business_id": BANK},
        {"intent": "returns"},
        {"intent": "Billing"},
        {"group": "others"},
        {"business_id": BANK, "intent": "billing", "group": "vip"},
        {"business_id": SHOP, "intent": "returns", "group": "vip"},
        {"business_id": SHOP, "intent": "billing", "group": "others"},
    ],
)
def test_choose_gives_the_default_when_one_condition_does_not_hold(route):
    assert chosen(**route) is DEFAULT


@pytest.mark.parametrize("name", ["intent", "group"])
def test_choose_gives_the_default_to_a_customer_without_the_hint(name):
    conversation = replace(CONVERSATION, **{name: None})

    assert chosen(conversation, **{name: getattr(CONVERSATION, name)}) is DEFAULT


def test_choose_gives_the_first_route_that_matches():
    router = Router(default=DEFAULT)
    router.add(Agent("bank"), business_id=BANK)
    router.add(CHOSEN, intent="billing")
    router.add(Agent("later"), business_id=SHOP, intent="billing")

    assert router.choose(CONVERSATION) is CHOSEN


# Loading


def test_load_router_gives_a_router_as_it_is(module):
    name = module(
        "from msp_server import Agent, Router\nrouter = Router(default=Agent('front desk'))\n"
    )

    router = load_router(f"{name}:router")

    assert router.choose(CONVERSATION).name == "front desk"


def test_load_router_lets_an_agent_answer_everything(module):
    name = module("from msp_server import Agent\nagent = Agent('front desk')\n")

    router = load_router(f"{name}:agent")

    assert router.choose(CONVERSATION).name == "front desk"


@pytest.mark.parametrize("reference", ["no_such_module:agent", "no.such.module:agent", ":agent"])
def test_load_router_refuses_a_module_that_is_not_there(reference):
    with pytest.raises(ConfigurationError, match="cannot be imported"):
        load_router(reference)


@pytest.mark.parametrize("attribute", [":nobody", ":", ""])
def test_load_router_refuses_an_attribute_that_is_not_there(attribute, module):
    name = module("agent = None\n")

    with pytest.raises(ConfigurationError, match="cannot be imported: AttributeError"):
        load_router(f"{name}{attribute}")


@pytest.mark.parametrize("source", ["raise KeyError('x')\n", "agent =\n", "import no_such_module"])
def test_load_router_refuses_a_module_that_raises(source, module):
    name = module(source)

    with pytest.raises(ConfigurationError, match="cannot be imported"):
        load_router(f"{name}:agent")


@pytest.mark.parametrize(
    "source", ["agent = None", "agent = 'x'", "from msp_server import Agent as agent"]
)
def test_load_router_refuses_something_else_than_an_agent_or_a_router(source, module):
    name = module(source)

    with pytest.raises(ConfigurationError, match="no Agent or Router"):
        load_router(f"{name}:agent")


def test_load_router_names_the_setting_that_is_at_fault():
    with pytest.raises(ConfigurationError) as refused:
        load_router("no_such_module:agent")

    assert [(fault.name, bool(fault.cure)) for fault in refused.value.faults] == [
        ("MSP_AGENT", True)
    ]


def test_load_router_makes_a_program_of_an_address():
    (agent,) = load_router("https://agent.example.com/hook").agents

    assert isinstance(agent, Program)
    assert agent.address == "https://agent.example.com/hook"


def test_load_router_refuses_an_address_in_the_clear():
    with pytest.raises(ConfigurationError, match=r"MSP_AGENT: .*https"):
        load_router("http://agent.example.com/hook")


def test_a_router_tells_all_who_may_be_chosen():
    default, other = Agent("default"), Agent("other")
    router = Router(default)
    router.add(other, intent="billing")

    assert router.agents == [default, other]
