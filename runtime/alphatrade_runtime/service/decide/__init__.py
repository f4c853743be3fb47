"""Decisions for clients who bring their own feed: a session of the pod's policy that lives as long as the call."""

from alphatrade_runtime.service.decide.service import DecisionService, decision_service, warm_up

__all__ = ["DecisionService", "decision_service", "warm_up"]
