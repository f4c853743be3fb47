"""`alphatrade signals` and `alphatrade features`: what a strategy can be made of."""

import inspect
from pathlib import Path


def signals() -> int:
    """List the built-in strategies: what each reads, its parameters with defaults and bounds.

    A Strategy names one in spec.genotype.policies[].signal: {ref: NAME, params: {...}}.

    \b
    Example:
      alphatrade signals
    """
    from alphatrade_runtime.adaptation import signals as built_in
    from alphatrade_runtime.plugin.contract import SignalSpec, declared

    def parameters(spec: SignalSpec) -> str:
        return ", ".join(f"{name}={p.default:g} ({p.low:g} to {p.high:g})" for name, p in spec.params.items())

    folder = Path(built_in.__file__).parent
    for name, spec in sorted(declared().items()):
        if spec.path.parent != folder:
            continue
        module = inspect.getmodule(spec.function)
        text = inspect.getdoc(spec.function) or inspect.getdoc(module) or ""
        print(f"{name} ({spec.form})")
        print(f"  {' '.join(text.split(chr(10) * 2)[0].split())}" if text else "  no description")
        print(f"  reads       {', '.join(spec.features)}")
        print(f"  parameters  {parameters(spec) or 'none'}")
    return 0


def features() -> int:
    """List what a strategy can read: name, unit, meaning. NaN means not known yet.

    \b
    Example, in a strategy of your own:
      @signal(name="mine", api=1, features=("mid_ticks", "book_imbalance"))
    """
    from alphatrade_runtime.cli.screen import table
    from alphatrade_runtime.perception.features import DOCS

    table(("feature", "unit", "meaning"), [(f.name.lower(), doc.unit, doc.doc) for f, doc in DOCS.items()])
    return 0
