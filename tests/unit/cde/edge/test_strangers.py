"""A stranger is named in the log, and a thousand are counted in it."""

import logging

import pytest

from tonevault.cde.edge.strangers import QUIET_S, Strangers


def test_the_first_is_named_and_the_rest_of_a_minute_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    strangers = Strangers()
    for moment in range(40):
        strangers.turned_away("192.0.2.7", 1000.0 + moment)
    assert [record.getMessage().split(" was")[0] for record in caplog.records] == ["SIP from 192.0.2.7"]
    strangers.turned_away("192.0.2.9", 1000.0 + QUIET_S)
    assert "SIP from 192.0.2.9" in caplog.text
    assert "and 39 more" in caplog.text
    assert len(caplog.records) == 2
