"""What an answer must look like, as a grammar an engine obeys. Pure: text in, text out.

A grammar is EBNF as llama.cpp, xgrammar and vLLM read it, and is made here alone: nothing that a
client writes reaches an engine as a grammar, so none can be malformed. Leaves out how an engine
obeys one.
"""

from hunmin.grammars.schemas import of_any_object, of_choices, of_json_schema

__all__ = ["of_any_object", "of_choices", "of_json_schema"]
