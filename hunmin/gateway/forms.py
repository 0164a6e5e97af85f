"""The form an answer is to have: which field asks for one, and the grammar it comes to. Pure."""

from hunmin import grammars
from hunmin.errors import InvalidRequest, SchemaUnsupported
from hunmin.gateway.form_wire import JsonObjectFormat, JsonSchemaFormat, StructuredOutputs
from hunmin.gateway.wire import ApiRequest, ChatRequest


def field_of_form(request: ApiRequest) -> str | None:
    """Return the field that asks for a form, or None where an answer may be any text."""
    if request.structured_outputs is not None:
        return "structured_outputs"
    form = request.response_format if isinstance(request, ChatRequest) else None
    return "response_format" if form is not None and form.type != "text" else None


def grammar_of(request: ApiRequest) -> str:
    """Return the grammar of the form an answer is to have; empty is any text.

    Raises:
        InvalidRequest: Two forms are asked for, or none where one should be.
        SchemaUnsupported: The JSON Schema cannot be kept to.
        GrammarUnsupported: The regular expression or the grammar cannot.
    """
    form = request.response_format if isinstance(request, ChatRequest) else None
    if request.structured_outputs is not None:
        if form is not None and form.type != "text":
            raise InvalidRequest(
                param="structured_outputs",
                reason_en="'response_format' asks for a form too",
                reason_ko="'response_format'도 형식을 정합니다",
            )
        return _of_outputs(request.structured_outputs)
    if isinstance(form, JsonSchemaFormat):
        return grammars.of_json_schema(form.json_schema.schema_)
    return grammars.of_any_object() if isinstance(form, JsonObjectFormat) else ""


def _of_outputs(asked: StructuredOutputs) -> str:
    given = [
        one
        for one in (
            asked.json_,
            asked.json_object or None,
            asked.regex,
            asked.choice,
            asked.grammar,
        )
        if one is not None
    ]
    if len(given) != 1:
        raise InvalidRequest(
            param="structured_outputs",
            reason_en="exactly one of json, json_object, regex, choice and grammar is given",
            reason_ko="json, json_object, regex, choice, grammar 가운데 하나만 주어야 합니다",
        )
    if asked.json_ is not None:
        try:
            return grammars.of_json_schema(asked.json_)
        except SchemaUnsupported as refusal:
            raise SchemaUnsupported(
                keyword=refusal.keyword, param="structured_outputs.json"
            ) from None
    if asked.regex is not None:
        return grammars.of_regex(asked.regex)
    if asked.choice is not None:
        return grammars.of_choices(asked.choice)
    return grammars.of_any_object() if asked.grammar is None else grammars.of_ebnf(asked.grammar)
