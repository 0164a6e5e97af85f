"""Progress: a line with rate and time left, also where there is no terminal."""

import io

import pytest

from hunmin import progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def seconds(monkeypatch):
    """Give a clock one can move: `seconds(5)`."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def forward(amount):
        now[0] += amount

    return forward


def test_a_line_says_done_total_rate_time_left_and_note(seconds):
    shown = progress.Bar("Cleaning", total=1000, unit="documents")
    seconds(10)
    shown.advance(100, note="loss 2.5")

    assert shown.line() == ("Cleaning: 100/1,000 documents, 10 documents/s, 1:30 left, loss 2.5")


def test_work_of_an_earlier_run_does_not_count_in_the_rate(seconds):
    shown = progress.Bar("Training", total=1000, unit="steps")
    shown.start_at(500)
    seconds(10)
    shown.advance(50)

    assert shown.rate() == pytest.approx(5)
    assert "550/1,000" in shown.line()
    assert "1:30 left" in shown.line()


def test_without_a_total_there_is_no_time_left(seconds):
    shown = progress.Bar("Reading", total=None, unit="MB")
    seconds(2)
    shown.advance(1)

    assert shown.line() == "Reading: 1 MB, 0.5 MB/s"


def test_hours_are_told_as_hours(seconds):
    shown = progress.Bar("Training", total=10_000, unit="steps")
    seconds(1)
    shown.advance(1)

    assert "2:46:39 left" in shown.line()


def test_into_a_file_a_line_is_written_now_and_then_and_at_the_end(seconds, capsys):
    with progress.bar("Reading", total=3, unit="files") as shown:
        shown.advance()
        assert capsys.readouterr().err == ""
        seconds(11)
        shown.advance()
        assert capsys.readouterr().err.startswith("Reading: 2/3 files")
        shown.advance()
    assert capsys.readouterr().err.startswith("Reading: 3/3 files")


def test_at_a_terminal_a_bar_is_drawn(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress.bar("Reading", total=3, unit="files") as shown:
        shown.advance(note="a.txt")
        shown.advance(2)

    assert "Reading" in terminal.getvalue()
    assert "files/s" in terminal.getvalue()


def test_nothing_goes_to_stdout(capsys):
    with progress.bar("Reading", total=1, unit="files") as shown:
        shown.advance()

    assert capsys.readouterr().out == ""
