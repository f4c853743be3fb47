"""The one error of this package: every problem found, one line each."""

from collections.abc import Iterable


class ResourceError(ValueError):
    """Resources that are refused. `problems` are lines that name file, object, field, value and what is accepted."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(" ".join(problem.split()) for problem in problems)
        super().__init__("\n".join(self.problems))
