"""Which document was seen at which step, by which checkpoint, under which license and consent.

Files and arithmetic, known to both wings: training writes the table of documents and follows the
order; `hunmin trace` reads them again and knows nothing of training.
"""

from hunmin.ledger.documents import RIGHTS_COLUMNS, TABLE_NAME, DocumentsTable, places_of_text
from hunmin.ledger.order import Order
from hunmin.ledger.seen import Ledger, Sighting, open_ledgers

__all__ = [
    "RIGHTS_COLUMNS",
    "TABLE_NAME",
    "DocumentsTable",
    "Ledger",
    "Order",
    "Sighting",
    "open_ledgers",
    "places_of_text",
]
