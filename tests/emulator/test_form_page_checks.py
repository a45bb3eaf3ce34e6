import pytest

from msp_server.emulator.form_page_checks import CONTENT_TYPES, KEYBOARDS

PAGES = "interactiveData.data.dynamic.data.pages"
WHAT, WHEN, FAULTS, WISH, TELL, MAIL = (f"{PAGES}.{n}" for n in range(6))


@pytest.mark.parametrize(
    ("changes", "rule", "words"),
    [
        ({f"{TELL}.pageIdentifier": ...}, "key-missing", "pages[4].pageIdentifier"),
        ({f"{TELL}.pageIdentifier": 4}, "key-type", "pageIdentifier is 4"),
        ({f"{TELL}.pageIdentifier": "x" * 20}, "page-identifier-length", "20 UTF-16 units"),
        ({f"{TELL}.pageIdentifier": "👋" * 10}, "page-identifier-length", "20 UTF-16 units"),
        ({f"{TELL}.type": ...}, "key-missing", "type is missing"),
        ({f"{TELL}.type": "video"}, "key-value", "write select or picker or datePicker or input"),
        ({f"{TELL}.title": "x" * 201}, "text-length", "title measures 201"),
        ({f"{TELL}.subtitle": "x" * 201}, "text-length", "subtitle measures 201"),
        ({f"{TELL}.subtitle": ...}, "page-subtitle", "put the question there"),
        ({f"{TELL}.subtitle": ""}, "page-subtitle", "subtitle is missing or empty"),
        ({f"{TELL}.submitForm": "yes"}, "key-type", "submitForm is 'yes'"),
        ({f"{WHAT}.multipleSelection": "no"}, "key-type", "multipleSelection is 'no'"),
        ({f"{WHAT}.items": []}, "key-empty", "items is an empty list"),
        ({f"{WHAT}.items": ..., f"{WHAT}.pageItems": []}, "key-missing", "rename pageItems"),
        ({f"{WHAT}.items.0.identifier": ...}, "key-missing", "items[0].identifier"),
        ({f"{WHAT}.items.0.identifier": "x" * 201}, "identifier-length", "201"),
        ({f"{WHAT}.items.0.identifier": "other"}, "page-item-repeated", "'other' as in"),
        ({f"{WHAT}.items.0.title": "x" * 201}, "text-length", "items[0].title"),
        ({f"{WHAT}.items.0.title": ...}, "key-missing", "items[0].title"),
        ({f"{WHAT}.items.0.value": ...}, "key-missing", "items[0].value"),
        ({f"{WHAT}.items.0.value": 1}, "key-type", "items[0].value is 1"),
        ({f"{WHAT}.multipleSelection": True}, "item-branch", "does not branch"),
        ({f"{WISH}.items.0.nextPageIdentifier": "mail"}, "item-branch", "does not branch"),
        ({f"{WISH}.pickerTitle": "x" * 201}, "text-length", "pickerTitle"),
        ({f"{WISH}.items.1.value": ...}, "key-missing", "items[1].value"),
        ({f"{WISH}.selectedItemIndex": 2}, "selected-index", "the last of its 2 items is 1"),
        ({f"{WISH}.selectedItemIndex": -1}, "number", "at least 0"),
        ({f"{WISH}.selectedItemIndex": "0"}, "key-type", "selectedItemIndex is '0'"),
        ({f"{WHEN}.hintText": "x" * 201}, "text-length", "hintText"),
        ({f"{WHEN}.options": []}, "key-type", "options is []"),
        ({f"{WHEN}.options.labelText": "x" * 201}, "text-length", "labelText"),
        ({f"{WHEN}.options.dateFormat": 7}, "key-type", "dateFormat is 7"),
        ({f"{WHEN}.options.startDate": 7}, "key-type", "startDate is 7"),
        ({f"{WHEN}.options.minimumDate": 7}, "key-type", "minimumDate is 7"),
        ({f"{WHEN}.options.maximumDate": 7}, "key-type", "maximumDate is 7"),
        ({f"{MAIL}.hintText": "x" * 201}, "text-length", "hintText"),
        ({f"{MAIL}.options": "x"}, "key-type", "options is 'x'"),
        ({f"{MAIL}.options.regex": 7}, "key-type", "regex is 7"),
        ({f"{MAIL}.options.placeholder": "x" * 201}, "text-length", "placeholder"),
        ({f"{MAIL}.options.labelText": "x" * 201}, "text-length", "labelText"),
        ({f"{MAIL}.options.prefixText": "x" * 201}, "text-length", "prefixText"),
        ({f"{MAIL}.options.required": "true"}, "key-type", "required is 'true'"),
        ({f"{MAIL}.options.maximumCharacterCount": 0}, "number", "at least 1"),
        ({f"{MAIL}.options.maximumCharacterCount": "80"}, "key-type", "is '80'"),
        ({f"{MAIL}.options.inputType": "long"}, "key-value", "write singleline or multiline"),
        ({f"{TELL}.options.labelText": "x"}, "single-line-only", "labelText is for single lines"),
        ({f"{TELL}.options.prefixText": "x"}, "single-line-only", "prefixText is for single"),
        ({f"{MAIL}.options.keyboardType": 7}, "key-type", "keyboardType is 7"),
        ({f"{MAIL}.options.keyboardType": "email"}, "keyboard-type", "write one of default,"),
        (
            {f"{MAIL}.options.keyboardType": "UIKeyboardTypeEmailAddress"},
            "keyboard-type",
            "write emailAddress",
        ),
        (
            {f"{MAIL}.options.keyboardType": "UIKeyboardTypeTwitter"},
            "keyboard-type",
            "since 2026-08-21",
        ),
        ({f"{MAIL}.options.textContentType": "email"}, "text-content-type", "write one of name,"),
        ({f"{MAIL}.options.textContentType": 7}, "key-type", "textContentType is 7"),
    ],
)
def test_page_with_one_thing_spoiled_is_refused(samples, changes, rule, words):
    refused, reason = samples.refuse("form", changes)

    assert refused == rule
    assert words in reason


@pytest.mark.parametrize(
    "changes",
    [
        {f"{TELL}.pageIdentifier": "x" * 19, f"{WHAT}.items.1.nextPageIdentifier": "x" * 19},
        {f"{TELL}.title": ..., f"{TELL}.subtitle": "x" * 200},
        {f"{TELL}.options": ..., f"{WHEN}.options": ...},
        {f"{WHAT}.multipleSelection": ...},
        {f"{WHAT}.items.0.title": "x" * 200, f"{WHAT}.items.0.identifier": "x" * 200},
        {f"{WISH}.selectedItemIndex": 0, f"{WISH}.pickerTitle": ""},
        {f"{WISH}.selectedItemIndex": ..., f"{WISH}.pickerTitle": ...},
        {f"{MAIL}.options.maximumCharacterCount": 1},
        {f"{MAIL}.options.inputType": ..., f"{MAIL}.options.prefixText": "x" * 200},
        {f"{TELL}.options.labelText": ""},
    ],
)
def test_page_on_the_edge_is_accepted(samples, changes):
    samples.accept("form", changes)


def test_every_keyboard_and_content_type_is_accepted(samples):
    for keyboard in KEYBOARDS:
        samples.accept("form", {f"{MAIL}.options.keyboardType": keyboard})
    for content_type in CONTENT_TYPES:
        samples.accept("form", {f"{MAIL}.options.textContentType": content_type})


@pytest.mark.parametrize(
    "changes",
    [
        {f"{TELL}.pageIdentifier": "x" * 20, f"{WHAT}.items.1.nextPageIdentifier": "x" * 20},
        {f"{TELL}.subtitle": ...},
        {f"{TELL}.options.labelText": "x"},
        {f"{MAIL}.options.keyboardType": "UIKeyboardTypeEmailAddress"},
        {f"{MAIL}.options.textContentType": "email"},
    ],
)
def test_without_vendor_limits_more_is_accepted(samples, changes):
    samples.set_switches(check_vendor_limits=False)

    samples.accept("form", changes)
