"""A program in the place of the child: it dies as a library with a hole would."""

import os
import signal

os.kill(os.getpid(), signal.SIGSEGV)
