"""What an answer must look like, as a grammar an engine obeys. Pure: text in, text out.

A grammar is EBNF as llama.cpp, xgrammar and vLLM read it, and is made here alone: what a client
writes, be it a schema, a regular expression or a grammar, never reaches an engine as it is. So none
is malformed, and none takes an engine ever longer to follow. Leaves out how an engine obeys one.
"""

from hunmin.grammars.compiling import of_choices, of_ebnf, of_regex
from hunmin.grammars.schemas import of_any_object, of_json_schema

__all__ = ["of_any_object", "of_choices", "of_ebnf", "of_json_schema", "of_regex"]
