"""An agent that shows what this server can do."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msp_server.agents.agent import Agent
from msp_server.agents.conversation import Conversation
from msp_server.agents.pictures import APPLE, CARROT, KETTLE, LEMON
from msp_server.agents.predicates import says
from msp_server.messages.apple_pay import (
    ApplePay,
    ApplePayResponse,
    ContactField,
    LineItem,
    ShippingMethod,
)
from msp_server.messages.attachment import Attachment
from msp_server.messages.authenticate import Authenticate, AuthenticateResponse
from msp_server.messages.content import OutboundContent, ResponseLost, Unknown
from msp_server.messages.custom_app import CustomApp, CustomAppResponse
from msp_server.messages.form import Form, Splash
from msp_server.messages.form_pages import (
    DatePage,
    InputPage,
    Keyboard,
    Option,
    PickerPage,
    SelectPage,
)
from msp_server.messages.form_response import FormResponse
from msp_server.messages.interactive import Bubble, Style
from msp_server.messages.invitation import InvitationResponse
from msp_server.messages.list_picker import Item, ListPicker, ListPickerResponse, Section
from msp_server.messages.presence import TypingStart
from msp_server.messages.quick_reply import QuickReply, QuickReplyResponse
from msp_server.messages.reaction import InlineReply, Tapback
from msp_server.messages.rich_link import RichLink
from msp_server.messages.text import Text
from msp_server.messages.time_picker import Location, TimePicker, TimePickerResponse, Timeslot

agent = Agent("guide")

_TOUR = """\
quick: answers to tap
list: a list picker, with pictures
time: a time picker
form: a form of several pages
pay: a payment with Apple Pay
sign in: a sign-in at a provider
link: a rich link
photo: a photo; send me one, too
app: a bubble of an iMessage app
typing: I am seen writing before I answer
person: a person takes over
count: what I remember of you
history: what we said last
who: what your phone told me about you
help: this list
React to a message, or reply to one: I tell you what came.
Anything else I say back to you."""

#: The extension of an app that does not exist: a real one is shown by its own app alone.
_APP = "com.apple.messages.MSMessageExtensionBalloonPlugin:TEAM123456:com.example.parcels.extension"


@agent.on(Tapback)
def tell_tapback(tapback: Tapback, _conversation: Conversation) -> Text:
    """Say which reaction came."""
    what = f"“{tapback.quoted}”" if tapback.quoted else "a message without words"
    reaction = tapback.emoji or "a sticker"
    if tapback.removed:
        return Text(f"You took {reaction} back from {what}.")
    return Text(f"You reacted with {reaction} to {what}.")


@agent.on(InlineReply)
def tell_inline_reply(reply: InlineReply, _conversation: Conversation) -> Text:
    """Say that a reply to one message came."""
    return Text(f"You replied to one message of mine: {reply.body}")


@agent.on(Text, where=lambda text, _conversation: bool(text.attachments))
def tell_attachments(text: Text, _conversation: Conversation) -> Text:
    """Say which files came, and what became of each."""
    lines = [_describe(attachment) for attachment in text.attachments]
    return Text("\n".join(["You sent:", *lines]))


@agent.on(Text, where=says("hello", "hi", "hey", "hallo", "good morning", "good evening"))
def greet(_text: Text, _conversation: Conversation) -> Text:
    """Greet, and say what one can try."""
    return Text(f"Hello! I am the guide of this server. You can write:\n{_TOUR}")


@agent.on(Text, where=says("help"))
def show_tour(_text: Text, _conversation: Conversation) -> Text:
    """Say what one can try."""
    return Text(f"You can write:\n{_TOUR}")


@agent.on(Text, where=says("quick"))
def show_quick_reply(_text: Text, _conversation: Conversation) -> QuickReply:
    """Ask with answers to tap."""
    return QuickReply("Was that quick?", ["Yes", "No", "What was?"], name="quick")


@agent.on(QuickReplyResponse)
def tell_quick_reply(tapped: QuickReplyResponse, _conversation: Conversation) -> Text:
    """Say what was tapped."""
    return Text(f"You tapped {tapped.title}.")


@agent.on(Text, where=says("list"))
def show_list_picker(_text: Text, _conversation: Conversation) -> ListPicker:
    """Show sections to choose from: of the first several, of the second one."""
    return ListPicker(
        Bubble("What would you like?", "Fresh every day", image=APPLE),
        [
            Section(
                "Fruit",
                [
                    Item("Apple", "Red and delicious", image=APPLE),
                    Item("Lemon", "Sour", image=LEMON),
                ],
                multiple=True,
            ),
            Section("Vegetables", [Item("Carrot", "Crunchy", image=CARROT), "Cucumber"]),
        ],
        replied="Your choice",
        name="list",
    )


@agent.on(ListPickerResponse)
def tell_list_picker(picked: ListPickerResponse, _conversation: Conversation) -> Text:
    """Say what was chosen."""
    return Text(f"You chose {', '.join(picked.titles)}.")


@agent.on(Text, where=says("time"))
def show_time_picker(_text: Text, _conversation: Conversation) -> TimePicker:
    """Show times of tomorrow and the day after, in the customer's zone."""
    tomorrow = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(1)
    starts = [tomorrow + timedelta(hours=hours) for hours in (0, 2, 5, 24, 29)]
    return TimePicker(
        Bubble("Pick a time", "Half an hour with us"),
        [Timeslot(start, duration_s=1800) for start in starts],
        event="Visit",
        location=Location("Shop in Berlin", 52.52, 13.405),
        replied="See you then",
        name="time",
    )


@agent.on(TimePickerResponse)
def tell_time_picker(picked: TimePickerResponse, _conversation: Conversation) -> Text:
    """Say which time was chosen."""
    when = f"{picked.start:%A, %d %B %Y, %H:%M} UTC" if picked.start else picked.identifier
    return Text(f"You picked {when}.")


@agent.on(Text, where=says("form"))
def show_form(_text: Text, _conversation: Conversation) -> Form:
    """Show pages of every type; the first answer decides which page comes second."""
    return Form(
        Bubble("Report a fault", "Takes a minute", image=KETTLE),
        [
            SelectPage(
                "Product",
                "Which one is broken?",
                [Option("Kettle", image=KETTLE, next="bought"), Option("Toaster", next="wish")],
            ),
            DatePage("Bought on", "The day on the receipt", identifier="bought", label="Day"),
            PickerPage(
                "Wish",
                "What shall we do?",
                ["Refund", "Exchange", "Repair"],
                label="I want",
                identifier="wish",
            ),
            InputPage(
                "E-mail",
                "Where do we answer?",
                required=True,
                keyboard=Keyboard.EMAIL,
                content_type="emailAddress",
                highest_chars=80,
            ),
        ],
        splash=Splash("Report a fault", "A few questions", button="Start", image=KETTLE),
        summary=True,
        replied="Thank you",
        name="form",
        fallback=Text(
            "Here I would show a form, but this device cannot: forms need an iPhone or iPad."
        ),
    )


@agent.on(FormResponse)
def tell_form(filled: FormResponse, _conversation: Conversation) -> Text:
    """Say what was answered."""
    answers = "\n".join(
        f"{page.title or page.page}: {', '.join(page.values)}" for page in filled.pages
    )
    return Text(f"You answered:\n{answers}")


@agent.on(Text, where=says("pay"))
def show_apple_pay(_text: Text, _conversation: Conversation) -> ApplePay:
    """Ask for a payment, as the tutorial's exercise 16 does."""
    return ApplePay(
        Bubble("Your new friend", "Adopt a puppy", image=KETTLE),
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
            ShippingMethod("Pick up", Decimal("0.00"), "At the shop"),
            ShippingMethod("Standard", Decimal("0.28"), "In three days"),
            ShippingMethod("Express", Decimal("2.19"), "Tomorrow"),
        ],
        shipping_fields=[ContactField.POST, ContactField.NAME, ContactField.EMAIL],
        replied="Thank you",
        name="pay",
    )


@agent.on(ApplePayResponse)
def tell_apple_pay(closed: ApplePayResponse, _conversation: Conversation) -> Text:
    """Say whether it was paid."""
    if not closed.paid:
        return Text("Nothing was paid.")
    return Text(f"You paid {closed.total} {closed.currency}. Thank you!")


@agent.on(Text, where=says("sign in"))
def show_authenticate(_text: Text, _conversation: Conversation) -> Authenticate:
    """Ask the customer to sign in."""
    return Authenticate(
        Bubble("Sign in to Example Shop", image=KETTLE),
        replied="Signed in",
        name="sign in",
        fallback=Text("Here I would ask you to sign in, but this device cannot."),
    )


@agent.on(AuthenticateResponse)
def tell_authenticate(answered: AuthenticateResponse, _conversation: Conversation) -> Text:
    """Say who signed in, or why nobody did."""
    if answered.user is None:
        return Text(f"You are not signed in: {answered.failure}.")
    return Text(f"You are signed in as {answered.user.get('name', 'somebody without a name')}.")


@agent.on(Text, where=says("link"))
def show_rich_link(_text: Text, _conversation: Conversation) -> RichLink:
    """Show a link with a picture."""
    return RichLink("https://shop.example.com/kettle", "A kettle that sings", KETTLE)


@agent.on(Text, where=says("photo"))
def show_photo(_text: Text, _conversation: Conversation) -> Text:
    """Send a picture as a file."""
    return Text("Here is a kettle:", [Attachment(KETTLE.data, "kettle.png")])


@agent.on(Text, where=says("app"))
def show_custom_app(_text: Text, _conversation: Conversation) -> CustomApp:
    """Show a bubble of an app."""
    return CustomApp(
        Bubble("Parcel 77", "Arrives today", style=Style.LARGE),
        _APP,
        987654321,
        "Parcels",
        {"parcel": "77", "city": "Köln"},
        name="app",
    )


@agent.on(CustomAppResponse)
def tell_custom_app(answered: CustomAppResponse, _conversation: Conversation) -> Text:
    """Say what the app said."""
    told = ", ".join(f"{name} = {value}" for name, value in answered.parameters.items())
    name = f" {answered.app_name}" if answered.app_name else ""
    return Text(f"The app{name} says: {told or 'nothing'}.")


@agent.on(InvitationResponse)
def tell_invitation(answered: InvitationResponse, _conversation: Conversation) -> Text | None:
    """Thank for an invitation that was accepted; to a refusal nothing can be said."""
    if not answered.accepted:
        return None
    named = " ".join(["the invitation", ", ".join(answered.references)]).strip()
    return Text(f"You accepted {named}. Welcome!")


@agent.on(Text, where=says("person"))
def hand_over(_text: Text, conversation: Conversation) -> Text:
    """Hand over to a person, who answers from the command line."""
    conversation.hand_over("desk", note="asked the guide for a person")
    return Text(
        "From now on a person answers. Be that person in a second terminal:\n"
        f"python -m msp_server messages --conversation {conversation.id}\n"
        f'python -m msp_server send --to {conversation.id} "Hello, this is Kim."\n'
        f"python -m msp_server send --to {conversation.id} --give-back"
    )


@agent.on(Text, where=says("typing"))
def show_typing(_text: Text, _conversation: Conversation) -> Iterator[OutboundContent]:
    """Be seen writing first."""
    yield TypingStart()
    yield Text("Before this text I sent that I was typing.")


@agent.on(Text, where=says("count"))
def show_count(_text: Text, conversation: Conversation) -> Text:
    """Count, in what is remembered of this customer."""
    count = conversation.state["count"] = conversation.state.get("count", 0) + 1
    return Text(f"You asked me to count {count} time{'s' if count > 1 else ''}.")


@agent.on(Text, where=says("history"))
def show_history(_text: Text, conversation: Conversation) -> Text:
    """Say what was said last, by both."""
    lines = [f"{said.by}: {said.body.partition(chr(10))[0]}" for said in conversation.history(5)]
    return Text("\n".join(["The last we said:", *lines]))


@agent.on(Text, where=says("who"))
def tell_who(_text: Text, conversation: Conversation) -> Text:
    """Tell customers what their phone said about them."""
    capabilities = ", ".join(sorted(conversation.capabilities or ())) or "nothing it told"
    return Text(
        f"Your phone speaks {conversation.locale or 'a language it did not tell'} and can show: "
        f"{capabilities}. You came with intent {conversation.intent or 'none'} "
        f"and group {conversation.group or 'none'}."
    )


@agent.on(Text)
def say_back(text: Text, _conversation: Conversation) -> Text:
    """Say what was said."""
    return Text(f"You wrote: {text.body}\n(Write help to see what else I can do.)")


@agent.on(ResponseLost)
def ask_again(_lost: ResponseLost, _conversation: Conversation) -> Text:
    """Ask for what could not be fetched."""
    return Text("I could not fetch your answer. Would you give it once more?")


@agent.on(Unknown)
def tell_unknown(unknown: Unknown, _conversation: Conversation) -> Text:
    """Say that something came that has no name yet."""
    return Text(f"A message of the type {unknown.type} came: I keep it, and know no more of it.")


def _describe(attachment: Attachment) -> str:
    if attachment.problem is not None:
        return f"{attachment.name}, which I could not fetch: {attachment.problem}"
    return f"{attachment.name}, {attachment.mime_type}, {attachment.size_bytes} bytes"
