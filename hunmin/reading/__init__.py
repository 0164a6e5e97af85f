"""The reading room: a file somebody brought becomes pages of text, in a process of its own.

`read` takes the bytes of a PDF, HWP, HWPX, DOCX, text or CSV file, `read_file` its path, and gives
its text, tables as Markdown. Files come from strangers, and what reads them is old and large, so it
is done by a child process that may use little memory and time, opens no file and no connection, and
may crash. Images are not looked at: a scanned page has no text here.
"""

from hunmin.reading.limits import Limits
from hunmin.reading.process import read, read_file
from hunmin.reading.result import Kind, Page, Reading

__all__ = ["Kind", "Limits", "Page", "Reading", "read", "read_file"]
