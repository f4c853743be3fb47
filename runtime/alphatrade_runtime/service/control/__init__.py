"""RuntimeControl: how the operator configures a pod and learns what it does."""

from alphatrade_runtime.service.control.epoch import EpochFile
from alphatrade_runtime.service.control.service import ControlService, control_service

__all__ = ["ControlService", "EpochFile", "control_service"]
