import json

from jsonschema import Draft202012Validator

from msp_server.web.openapi import openapi


def test_every_reference_leads_somewhere():
    description = openapi()
    named = json.dumps(description).split('"#/components/schemas/')[1:]

    assert {each.partition('"')[0] for each in named} <= description["components"]["schemas"].keys()
    assert "$defs" not in json.dumps(description)


def test_a_post_that_can_be_said_fits():
    description = openapi()
    schema = {"$ref": "#/components/schemas/Post", "components": description["components"]}
    post = Draft202012Validator(schema)

    assert post.is_valid({"id": "1", "messages": [{"kind": "Text", "body": "hi"}]})
    assert not post.is_valid({"id": "1", "messages": [{"kind": "Text"}]})
    assert not post.is_valid({"id": "1", "messages": []})
    assert not post.is_valid({"messages": [{"kind": "Text", "body": "hi"}]})
