"""What a program that trains loads first. `forked` loads it once, for all that it starts."""

import gc
import importlib

for slow_to_load in (
    "hunmin.train.runs",
    "matplotlib.backends.backend_svg",
    "matplotlib.figure",
    "pandas",
    "pyarrow.pandas_compat",
):
    importlib.import_module(slow_to_load)

gc.freeze()
"""What is loaded lives as long as any program: to look it over would only copy its memory."""
