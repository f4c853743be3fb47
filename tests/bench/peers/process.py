"""Run an engine as a process that answers one timed run a request, so that runs can be interleaved."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

REPO = Path(__file__).resolve().parents[3]


@dataclass
class Engine:
    """One engine of a benchmark: its interpreter, the module that serves it and the module's arguments."""

    name: str
    python: Path
    module: str
    arguments: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    hello: dict[str, Any] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    process: "subprocess.Popen[str] | None" = None

    def __enter__(self) -> "Engine":
        command = [str(self.python), "-m", self.module, *self.arguments]
        environment = {**os.environ, "PYTHONPATH": str(REPO / "tests"), **self.environment}
        self.process = subprocess.Popen(
            command, cwd=REPO, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.hello = self._answer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def run(self) -> dict[str, Any]:
        """Ask for one run and keep its figures."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        self.runs.append(self._answer())
        return self.runs[-1]

    def _close(self) -> int:
        """End the process in order; return its code."""
        assert self.process is not None
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        return self.process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self.process is not None
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name}: {self.module} ended with code {self._close()}; its reason is above")
        answer: dict[str, Any] = json.loads(line)
        return answer
