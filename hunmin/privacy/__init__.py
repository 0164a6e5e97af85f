"""Finding and masking personal data in Korean text. Pure: no clock, no settings, no files.

This first set of detectors knows what has a form that can be checked: resident and foreigner
registration numbers, telephone numbers, e-mail addresses and payment cards. It leaves out names,
addresses and account numbers, which need context that rules alone do not give. It would rather
miss a number than damage ordinary text: statute articles, dates, case numbers and barcodes stay.
"""

from hunmin.privacy.kinds import PLACEHOLDERS, Kind
from hunmin.privacy.scan import Finding, Masked, find, mask

__all__ = ["PLACEHOLDERS", "Finding", "Kind", "Masked", "find", "mask"]
