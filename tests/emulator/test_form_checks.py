import pytest

DYNAMIC = "interactiveData.data.dynamic"
FORM = f"{DYNAMIC}.data"
PAGES = f"{FORM}.pages"
WHAT, WHEN, FAULTS, WISH, TELL, MAIL = (f"{PAGES}.{n}" for n in range(6))


@pytest.mark.parametrize(
    ("changes", "rule", "words"),
    [
        ({f"{DYNAMIC}.version": ...}, "key-missing", "dynamic.version is missing"),
        ({f"{DYNAMIC}.version": 1.2}, "key-type", "version is 1.2"),
        ({f"{DYNAMIC}.version": "2.0"}, "key-value", "version is '2.0': write 1.2 or 1.1"),
        ({f"{DYNAMIC}.template": ...}, "key-missing", "template is missing"),
        ({f"{DYNAMIC}.template": "form"}, "key-value", "is 'form': write messageForms"),
        ({f"{DYNAMIC}.private": "no"}, "key-type", "dynamic.private is 'no'"),
        ({FORM: ...}, "key-missing", "dynamic.data is missing"),
        ({f"{FORM}.private": 1}, "key-type", "data.private is 1"),
        ({f"{FORM}.showSummary": "yes"}, "key-type", "showSummary is 'yes'"),
        ({f"{FORM}.splash": "Hello"}, "key-type", "splash is 'Hello'"),
        ({f"{FORM}.splash.buttonTitle": ...}, "key-missing", "buttonTitle is missing"),
        ({f"{FORM}.splash.buttonTitle": "x" * 201}, "text-length", "buttonTitle"),
        ({f"{FORM}.splash.header": "x" * 201}, "text-length", "header measures 201"),
        ({f"{FORM}.splash.splashtext": "a\tb"}, "text-printable", "splashtext holds '\\t'"),
        ({PAGES: ...}, "key-missing", "pages is missing"),
        ({PAGES: []}, "key-empty", "pages is an empty list"),
        ({f"{PAGES}.0": 7}, "key-type", "pages[0] is 7"),
        ({f"{WHEN}.pageIdentifier": "mail"}, "page-repeated", "is 'mail'"),
        ({f"{FORM}.startPageIdentifier": ...}, "start-page", "name the first page"),
        ({f"{FORM}.startPageIdentifier": "x"}, "page-unknown", "startPageIdentifier is 'x'"),
        (
            {f"{WHEN}.nextPageIdentifier": "x"},
            "page-unknown",
            "name a page of this form, as 'what'",
        ),
        ({f"{WHEN}.nextPageIdentifier": 7}, "key-type", "nextPageIdentifier is 7"),
        ({f"{WHAT}.items.1.nextPageIdentifier": "x"}, "page-unknown", "items[1].next"),
        (
            {f"{MAIL}.nextPageIdentifier": "what", f"{MAIL}.submitForm": False},
            "form-end",
            "never end for who starts at page 'what'",
        ),
        (
            {f"{WHEN}.nextPageIdentifier": "when", f"{WHAT}.items.1.nextPageIdentifier": "what"},
            "form-end",
            "never end",
        ),
    ],
)
def test_form_with_one_thing_spoiled_is_refused(samples, changes, rule, words):
    refused, reason = samples.refuse("form", changes)

    assert refused == rule
    assert words in reason


@pytest.mark.parametrize(
    "changes",
    [
        {f"{DYNAMIC}.version": "1.1"},
        {f"{DYNAMIC}.private": ..., f"{FORM}.private": ..., f"{FORM}.showSummary": ...},
        {f"{FORM}.splash": ...},
        {f"{FORM}.splash.splashtext": "x" * 200},
        {f"{FORM}.startPageIdentifier": "mail"},
        {f"{MAIL}.submitForm": ...},
        {f"{MAIL}.nextPageIdentifier": "mail"},
        {f"{WHAT}.nextPageIdentifier": ..., f"{MAIL}.nextPageIdentifier": "mail"},
        {f"{WHEN}.nextPageIdentifier": "when"},
        {f"{TELL}.nextPageIdentifier": "tell"},
    ],
)
def test_form_on_the_edge_is_accepted(samples, changes):
    samples.accept("form", changes)


def test_item_without_a_way_of_its_own_ends_a_form(samples):
    samples.accept(
        "form",
        {
            f"{WHAT}.nextPageIdentifier": ...,
            f"{MAIL}.nextPageIdentifier": "what",
            f"{MAIL}.submitForm": False,
        },
    )


def test_form_starts_at_page_0_without_vendor_limits(samples):
    samples.set_switches(check_vendor_limits=False)
    silent = {f"{FORM}.startPageIdentifier": ...}

    rule, reason = samples.refuse("form", silent)
    samples.accept(
        "form", {**silent, f"{WHAT}.pageIdentifier": "0", f"{TELL}.nextPageIdentifier": "mail"}
    )

    assert rule == "page-unknown"
    assert "is '0'" in reason
