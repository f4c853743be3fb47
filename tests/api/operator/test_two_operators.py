"""Two operators at once: who has lost the Lease writes nothing from then on, and each leader has its own epoch."""

import json
import time

from alphatrade_operator.kube.lease import NAME
from api.operator.resources import template

IN_FORCE = ("True", "InForce")


def test_one_that_was_cut_off_and_comes_back_writes_nothing(desk):
    desk.apply(template(maxNotionalBps=300))
    one = desk.operator().start()
    one.until("in force", lambda: desk.condition("risktemplate/law", "Ready") == IN_FORCE)
    desk.settled(one)
    wrote, epoch = one.writes(), one.epoch()
    one.freeze()
    try:
        two = desk.operator().start()
        two.until("takes over", lambda: two.role() == "leads")
        desk.apply(template(maxNotionalBps=200), template("late"))
        two.until("late", lambda: desk.condition("risktemplate/late", "Ready") == IN_FORCE)
        two.until("tightened", lambda: effective(desk) == 200)
    finally:
        one.thaw()
    one.until("knows it", lambda: one.role() == "stands by")
    desk.apply(template(maxNotionalBps=100), template("later"))
    two.until("later", lambda: desk.condition("risktemplate/later", "Ready") == IN_FORCE)
    two.until("tightened again", lambda: effective(desk) == 100)
    assert one.writes() == wrote
    assert two.epoch() == epoch + 1
    told = [one["involvedObject"]["name"] for one in desk.get("events")["items"] if one["reason"] == "InForce"]
    assert sorted(told) == ["late", "later", "law"], "told once each"


def test_one_whose_lease_is_stolen_notices_and_takes_it_back_only_when_it_is_free(desk):
    one = desk.operator().start()
    one.until("leads", lambda: one.role() == "leads")
    epoch, life_s = one.epoch(), 8
    since_s = time.monotonic()
    stolen = {"holderIdentity": "thief", "leaseTransitions": epoch + 1, "leaseDurationSeconds": life_s}
    desk.kube.kubectl("patch", "lease", NAME, "-n", desk.system, "--type=merge", "-p", json.dumps({"spec": stolen}))
    one.until("notices", lambda: one.role() == "stands by", life_s / 2)
    wrote = one.writes()
    desk.apply(template())
    time.sleep(1.0)
    assert (one.writes(), desk.condition("risktemplate/law", "Ready")) == (wrote, None)
    one.until("leads again", lambda: one.role() == "leads")
    assert time.monotonic() - since_s >= life_s
    assert one.epoch() == epoch + 2
    one.until("works", lambda: desk.condition("risktemplate/law", "Ready") == IN_FORCE)


def effective(desk):
    return desk.get("risktemplate", "law")["status"]["effective"]["limits"].get("maxNotionalBps")
