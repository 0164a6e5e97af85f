"""What the parrot of `tiny` says, for programs that need no model to say it."""

CONTEXT_TOKENS = 256
PARROT_SAYS = "훈민"
"""What the parrot says again and again, a byte at a time; its six bytes are all different."""
ENDS_AT_ONCE = "!"
"""A text after which the parrot ends."""
