"""Hunmin (훈민): a sovereign AI platform, from licensed text to an answer one can trace.

The rooms, from the ground up:
    errors settings manifest steps progress     what everything stands on
    josa                                        Korean particles after words that are filled in
    ledger                                      which document was seen at which step
    journal                                     what a run tells of itself
    privacy grammars                            finding personal data; the form of an answer
    db act blobs worker plugins logs            transactions, files, jobs, what can be swapped
    model corpus rollouts train inference       the lab: files in, files out
    upstreams evaluation build                  engines on other machines; measures; the whole line
    audit accounts organizations gateway        the office: who may do what, and what was done
    batches                                     files of requests, answered within a day
    documents chat runs                         files and collections; conversations; runs to watch
    web                                         the front desk: application, theme, translations
"""

__version__ = "0.1.0"
