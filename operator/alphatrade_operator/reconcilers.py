"""Every kind that is reconciled, and whom its changes concern. Each kind's folder adds its line here."""

from alphatrade_operator.core.reconciler import Reconciler

RECONCILERS: tuple[Reconciler, ...] = ()
