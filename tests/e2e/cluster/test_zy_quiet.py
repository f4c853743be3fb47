"""A restarted operator writes nothing over unchanged objects: counted at the end of the session, by the audit log."""

import time

WINDOW_S = 300.0


def test_over_unchanged_objects_a_restarted_operator_writes_nothing_but_its_lease(quiet):
    if quiet.since is None:  # no story before this one has killed it
        quiet.at_rest()
        quiet.restart()
    time.sleep(quiet.left_s(WINDOW_S))
    assert quiet.writes_before() > 10, "the log has what it wrote when all of it was new"
    assert quiet.writes(WINDOW_S) == []
