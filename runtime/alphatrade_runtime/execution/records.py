from alphatrade_runtime.market.orders import *  # noqa: F403  (moved; removed once all callers name market.orders)
