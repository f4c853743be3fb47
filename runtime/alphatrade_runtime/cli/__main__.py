"""`python -m alphatrade_runtime.cli` is `alphatrade`."""

from alphatrade_runtime.cli.main import main

main()
