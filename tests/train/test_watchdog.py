"""What hung is written down where nobody else writes."""

from hunmin.journal import STALLED_NAME
from hunmin.journal.folder import stalled_at
from hunmin.train.watchdog import Watchdog
from hunmin.train.world import World


def test_replicas_of_a_run_write_down_what_hung_each_in_a_folder_of_its_own(tmp_path):
    names = ("gpu-01:17:a", "gpu-02:17:b")
    assert stalled_at(tmp_path) is None

    for step, name in enumerate(names):
        watchdog = Watchdog(tmp_path, World())
        watchdog.folder /= name
        watchdog._write_down(step, seconds=60.0)

    for step, name in enumerate(names):
        said = (tmp_path / STALLED_NAME / name / "rank-0.txt").read_text()
        assert f"process 0, step {step}, 60 s" in said
    assert stalled_at(tmp_path) is not None
