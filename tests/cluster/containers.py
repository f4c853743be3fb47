"""What every node's containerd is asked for in the same words."""


def kill_words(container: str) -> tuple[str, ...]:
    """Return the words for `ctr` that end a container with SIGKILL. container: `containerd://ID`, as a pod has it.

    From inside a container nobody can: the kernel keeps signals from the first process of a PID namespace.
    """
    return ("tasks", "kill", "--signal", "SIGKILL", container.removeprefix("containerd://"))
