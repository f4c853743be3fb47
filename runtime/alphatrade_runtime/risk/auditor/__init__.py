"""The independent post-trade auditor: recomputes from the records, imports nothing of the law."""

from alphatrade_runtime.risk.auditor.audit import AuditInstrument, AuditLimits, Auditor
from alphatrade_runtime.risk.auditor.rules import Rule, Violation

__all__ = ["AuditInstrument", "AuditLimits", "Auditor", "Rule", "Violation"]
