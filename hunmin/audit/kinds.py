"""Every kind of event: the vocabulary of the log."""

from collections.abc import Mapping
from itertools import chain

from hunmin.audit.kind import Kind
from hunmin.audit.kinds_of_people import OfPeople
from hunmin.audit.kinds_of_work import OfWork

KINDS: Mapping[str, Kind] = {kind.value: kind for kind in chain(OfPeople, OfWork)}
