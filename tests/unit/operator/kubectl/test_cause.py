"""`kubectl alphatrade why`: the cause that lies deepest, in one sentence, with what to do."""

from alphatrade_operator.kubectl.cause import Evidence, Reference, chain, explain
from alphatrade_operator.kubectl.objects import Happened, read_object, read_pod, read_strategy
from unit.operator.kubectl.cluster_objects import condition, other, pod, strategy

OPERATOR = read_pod(pod("alphatrade-operator-1", "alphatrade-system"))


def _evidence(ready=None, *, trading=True, operators=(OPERATOR,), **given):
    return Evidence(read_strategy(strategy(ready=ready)), trading, operators, **given)


def _reference(kind, name, ready):
    return Reference(f"{kind}/{name}", read_object(other(kind, name, ready=ready)))


def test_ready_is_the_answer_and_nothing_is_to_be_done():
    cause = explain(_evidence(condition()))
    assert cause.sentence == "Strategy/trend is ready: Trading: it trades"
    assert cause.fix == ""


def test_an_unlabelled_namespace_comes_before_all_else():
    cause = explain(_evidence(trading=False, operators=()))
    assert "not labelled for trading" in cause.sentence
    assert cause.fix == "kubectl label namespace dev alphatrade.io/trading=true"


def test_no_operator():
    assert explain(_evidence(operators=())).sentence == "no operator runs in this cluster"


def test_an_operator_that_crashes_is_named_with_its_state():
    down = read_pod(pod("op-1", "sys", ready=False, waiting=("CrashLoopBackOff", "back-off"), restarts=4))
    cause = explain(_evidence(operators=(down,)))
    assert "waiting: CrashLoopBackOff back-off, 4 restarts" in cause.sentence
    assert "kubectl logs -n sys op-1" in cause.fix


def test_without_the_right_to_look_nothing_is_claimed():
    cause = explain(_evidence(trading=None, operators=None))
    assert "has not looked at" in cause.sentence


def test_an_operator_that_is_down_does_not_make_a_ready_strategy_unready():
    assert "is ready" in explain(_evidence(condition(), operators=())).sentence


def test_a_newer_generation_is_no_answer_yet():
    seen = read_strategy(strategy(ready=condition(generation=1), generation=2))
    assert "has not looked at" in explain(Evidence(seen, True, (OPERATOR,))).sentence


def test_a_reference_that_is_not_there():
    cause = explain(
        _evidence(condition("False", "ReferenceNotFound", "x"), references=(Reference("MarketDataFeed/market", None),))
    )
    assert cause.sentence == "Strategy/trend refers to MarketDataFeed/market, which is not in namespace dev"


def test_what_only_waits_is_explained_by_what_it_waits_for():
    feed = _reference("MarketDataFeed", "market", condition("False", "TapeDamaged", "row 7 is torn; import it again"))
    cause = explain(_evidence(condition("False", "WaitsForGateway", "it waits"), references=(feed,)))
    assert cause.sentence == (
        "Strategy/trend waits, because MarketDataFeed/market is not ready: TapeDamaged: row 7 is torn"
    )
    assert cause.fix == "import it again"


def test_a_fault_of_its_own_is_not_blamed_on_a_reference():
    feed = _reference("MarketDataFeed", "market", condition("False", "TapeDamaged", "row 7 is torn; import it again"))
    ready = condition("False", "StageTooLow", "needs a promoted policy; set mode to Sim")
    cause = explain(_evidence(ready, references=(feed,)))
    assert cause.sentence == "Strategy/trend is not ready: StageTooLow: needs a promoted policy"
    assert cause.fix == "set mode to Sim"


def test_a_message_without_a_fix_gets_that_of_its_reason():
    cause = explain(_evidence(condition("False", "Suspended", "spec.suspend is true")))
    assert cause.fix == "set `spec.suspend: false`"


def test_a_pod_that_does_not_start_says_why_itself():
    stuck = read_pod(pod(ready=False, waiting=("ErrImagePull", "no such image")))
    cause = explain(_evidence(condition("False", "Starting", "the pod starts"), pods=(stuck,)))
    assert cause.sentence == "Pod/st-trend-0 does not start: ErrImagePull: no such image"
    assert cause.fix == "kubectl describe pod -n dev st-trend-0"


def test_a_container_that_is_being_made_is_no_fault():
    stuck = read_pod(pod(ready=False, waiting=("ContainerCreating", "")))
    cause = explain(_evidence(condition("False", "Starting", "the pod starts"), pods=(stuck,)))
    assert "not ready: Starting" in cause.sentence


def test_the_chain_tells_everything_that_the_answer_rests_on():
    lines = chain(
        _evidence(
            condition("False", "Starting", "the pod starts"),
            references=(Reference("RiskTemplate/law", None), _reference("MarketDataFeed", "market", condition())),
            pods=(read_pod(pod()),),
            events=(
                Happened(type="Normal", reason="A"),
                Happened(type="Warning", reason="B", message="m", about="Pod/x"),
            ),
        )
    )
    assert lines == [
        "Strategy/trend: Ready=False Starting: the pod starts",
        "RiskTemplate/law: not there",
        "MarketDataFeed/market: Ready=True Trading: it trades",
        "Pod/st-trend-0: Running, strategy ready",
        "event on Pod/x: B: m",
    ]
