"""How many tokens were dropped on the way into sequences, and how much of these is padding."""


def filling(*, tokens: int, dropped: int, room: int) -> dict[str, float]:
    """Return the two shares, from 0 to 1, by the names a manifest has them under.

    Args:
        tokens: Those that stand in the sequences.
        dropped: Those that do not.
        room: How many the sequences have room for.
    """
    return {
        "drop_share": dropped / max(1, tokens + dropped),
        "pad_share": 1.0 - tokens / room if room else 0.0,
    }
