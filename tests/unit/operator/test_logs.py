"""One line of JSON an event."""

import json
import logging
import subprocess
import sys

from alphatrade_operator.logs import JsonLines

PROGRAM = """
import logging
from alphatrade_operator import logs
logs.configure()
logging.getLogger("alphatrade_operator.x").info("pushed")
logging.getLogger("kopf.objects").info("chatter")
logging.getLogger("kopf.objects").warning("trouble", extra={"settings": object(), "k8s_ref": {}})
"""


def line(event, level=logging.INFO, **fields):
    record = logging.LogRecord("alphatrade_operator.x", level, __file__, 1, event, (), None)
    vars(record).update(fields)
    return JsonLines().format(record)


def test_an_event_is_one_line_with_its_fields():
    found = json.loads(line("pushed", digest="d", epoch=3, held=True))
    assert (found["event"], found["level"], found["logger"]) == ("pushed", "info", "alphatrade_operator.x")
    assert (found["digest"], found["epoch"], found["held"]) == ("d", 3, True)
    assert found["time"].endswith("+00:00")


def test_several_lines_of_text_stay_one_line():
    assert "\n" not in line("first\nsecond")
    assert json.loads(line("first\nsecond"))["event"] == "first\nsecond"


def test_a_traceback_is_a_field():
    try:
        raise ValueError("broken")
    except ValueError as error:
        found = line("failed", exc_info=(type(error), error, error.__traceback__))
    assert "ValueError: broken" in json.loads(found)["traceback"]


def test_libraries_are_heard_from_warnings_on():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    found = [json.loads(one) for one in done.stderr.splitlines()]
    assert [one["event"] for one in found] == ["pushed", "trouble"]
    assert not {"settings", "k8s_ref"} & set(found[1])
