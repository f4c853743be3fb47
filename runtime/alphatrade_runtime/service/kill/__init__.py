"""Kill switches as a runtime sees them: its own look at the API server, and the latch that survives everything."""

from alphatrade_runtime.service.kill.api_server import ApiServer
from alphatrade_runtime.service.kill.kill_switch import Engagement
from alphatrade_runtime.service.kill.latch import Latch
from alphatrade_runtime.service.kill.watch import KillWatch

__all__ = ["ApiServer", "Engagement", "KillWatch", "Latch"]
