"""What every node's containerd is asked for in the same words."""


def signal_words(container: str, name: str) -> tuple[str, ...]:
    """Return the words for `ctr` that send a container a signal, such as KILL. container: `containerd://ID`.

    From inside a container nobody can: the kernel keeps signals from the first process of a PID namespace.
    """
    return ("tasks", "kill", "--signal", f"SIG{name}", container.removeprefix("containerd://"))
