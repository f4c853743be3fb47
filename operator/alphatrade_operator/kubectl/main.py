"""The command line of `kubectl alphatrade`. Exit codes: 0 good, 1 not done or not proven, 2 bad input or no cluster."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from alphatrade_operator.kubectl.kubectl import Kubectl, KubectlError, Unfinished

UNFINISHED, BAD_INPUT, INTERRUPTED = 1, 2, 130
MODES = ("Reduce", "Halt", "Flatten")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

Namespace = Annotated[str | None, typer.Option("-n", "--namespace", help="Namespace; the context's when absent.")]
Everywhere = Annotated[bool, typer.Option("-A", "--all-namespaces", help="All namespaces.")]
Context = Annotated[str | None, typer.Option("--context", help="As kubectl's.")]
Kubeconfig = Annotated[str | None, typer.Option("--kubeconfig", help="As kubectl's.")]
As = Annotated[str | None, typer.Option("--as", help="As kubectl's.")]
Drain = Annotated[bool, typer.Option("--drain", help="Also when Strategies trade: each gets flat before it goes.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait for what has to get flat.")]


@app.callback()
def alphatrade() -> None:
    """See what trades, stop it, and find out why something does not.

    \b
    Examples:
      kubectl alphatrade status -A                                     every strategy, on one screen
      kubectl alphatrade halt quickstart -n dev --reason "looks odd"   stop one strategy
      kubectl alphatrade halt --all -n dev --reason "maintenance"      stop a namespace
      kubectl alphatrade halt --cluster --reason "venue incident"      stop everything
      kubectl alphatrade why quickstart -n dev                         one sentence, and what to do
      kubectl alphatrade roll quickstart -n dev                        replace a pod that an upgrade left behind
      kubectl alphatrade decommission dev --export dev.jsonl --drain   give a namespace up, its ledger first

    \b
    All of it is plain kubectl underneath: your context, your identity, your rights.
    Exit codes: 0 good, 1 somebody has not acknowledged or something is left to do, 2 bad input or no cluster.
    """


@app.command("status", short_help="What every strategy does: phase, position, profit, kill state, why not ready.")
def status(
    namespace: Namespace = None,
    everywhere: Everywhere = False,
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Show it again every 2 s until Ctrl-C.")] = False,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    impersonate: As = None,
) -> int:
    """Show a line for each Strategy, and who has obeyed the kill switches that are engaged.

    \b
    Examples:
      kubectl alphatrade status -n alphatrade-dev
      kubectl alphatrade status -A --watch
    """
    from alphatrade_operator.kubectl.show import follow, show_status

    where = _where(namespace, everywhere)
    kubectl = _kubectl(context, kubeconfig, impersonate)
    return follow(kubectl, where) if watch else show_status(kubectl, where)


@app.command("halt", short_help="Engage a kill switch, and wait until everyone has acknowledged.")
def halt(
    name: Annotated[str | None, typer.Argument(help="Strategy to stop; or give --all or --cluster.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why, in a sentence; kept with everything it stops.")] = "",
    mode: Annotated[str, typer.Option(help="Reduce, Halt or Flatten.")] = "Halt",
    everyone: Annotated[bool, typer.Option("--all", help="Every Strategy of the namespace.")] = False,
    cluster: Annotated[bool, typer.Option("--cluster", help="Every Strategy of every namespace.")] = False,
    slippage_bps: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Flatten: furthest from the mid that it may trade, in bps.")
    ] = None,
    timeout_s: Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait for acknowledgements.")] = 30.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the KillSwitch, apply nothing.")] = False,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    impersonate: As = None,
) -> int:
    """Stop trading: apply a KillSwitch, wait for acknowledgements, say who is silent.

    Reduce lets only orders pass that make positions smaller. Halt lets none pass and cancels what is working. Flatten
    does that and closes positions. What has been stopped stays stopped, also when the KillSwitch is deleted. Runtimes
    read it themselves: it works while the operator is down, only the report of who has obeyed comes from the operator.

    \b
    Examples:
      kubectl alphatrade halt quickstart -n alphatrade-dev --reason "looks odd"
      kubectl alphatrade halt --all -n alphatrade-dev --mode Flatten --slippage-bps 30 --reason "end of test"
      kubectl alphatrade halt --cluster --reason "venue incident"
      kubectl alphatrade halt --all --reason "drill" --dry-run | kubectl apply -f -      the same by hand
    """
    from alphatrade_operator.kubectl.stop import ask, stop

    if sum((name is not None, everyone, cluster)) != 1:
        raise KubectlError("say what to stop: one of NAME, --all, --cluster")
    if mode not in MODES:
        raise KubectlError(f"--mode {mode}: write one of {', '.join(MODES)}")
    if slippage_bps is not None and mode != "Flatten":
        raise KubectlError(f"--slippage-bps: only for --mode Flatten, and this is {mode}; leave it out")
    if not reason.strip():
        raise KubectlError("--reason is missing: say why in a sentence")
    kubectl = _kubectl(context, kubeconfig, impersonate)
    order = ask(kubectl, name, cluster, mode, reason, _where(namespace, False), slippage_bps)
    return stop(kubectl, order, timeout_s, dry_run)


@app.command("roll", short_help="Replace pods that an upgrade left behind, now and in order.")
def roll(
    name: Annotated[str | None, typer.Argument(help="A Strategy, or bc/NAME or mdf/NAME; or give --all.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every Strategy, account and feed of the namespace.")] = False,
    timeout_s: Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait for the new pods.")] = 900.0,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    impersonate: As = None,
) -> int:
    """Have pods of an older revision replaced without waiting for their session break.

    An upgrade of the operator leaves trading pods as they are; each rolls in its session break, or when this asks. A
    pod ends in order and the next one goes on with its positions. Strategies of one account go one at a time, then the
    account, then the feed; none goes while a kill switch flattens it. Your identity needs to patch the objects.

    \b
    Examples:
      kubectl alphatrade roll quickstart -n alphatrade-dev
      kubectl alphatrade roll --all -n alphatrade-dev
    """
    from alphatrade_operator.kubectl.roll import roll as replace

    if (name is not None) == everyone:
        raise KubectlError("say what to roll: one of NAME, --all")
    return replace(_kubectl(context, kubeconfig, impersonate), name, _where(namespace, False), timeout_s)


@app.command("why", short_help="Why something is not ready: one sentence, and what to do.")
def why(
    name: Annotated[str, typer.Argument(help="A Strategy, or KIND/NAME such as mdf/simulator, bc/paper, ks/halt-all.")],
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    impersonate: As = None,
) -> int:
    """Follow conditions, references, pods and events down to one cause, and say what to do.

    \b
    Examples:
      kubectl alphatrade why quickstart -n alphatrade-dev
      kubectl alphatrade why mdf/simulator -n alphatrade-dev
    """
    from alphatrade_operator.kubectl.cause import chain, explain
    from alphatrade_operator.kubectl.evidence import gather, target

    found = gather(_kubectl(context, kubeconfig, impersonate), target(name), _where(namespace, False))
    cause = explain(found)
    for line in chain(found):
        print(f"  {line}")
    print(f"why: {cause.sentence}")
    if cause.fix:
        print(f"fix: {cause.fix}")
    return 0


@app.command("decommission", short_help="Give a trading namespace up: ledger exported, all flat, free to be deleted.")
def decommission(
    name: Annotated[str, typer.Argument(metavar="NAMESPACE", help="The trading namespace.")],
    export: Annotated[
        Path | None, typer.Option("--export", dir_okay=False, help="File that the ledger is written to, JSON lines.")
    ] = None,
    drain: Drain = False,
    undo: Annotated[bool, typer.Option("--undo", help="Let it be traded in again.")] = False,
    yes: Yes = False,
    timeout_s: Timeout = 600.0,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    impersonate: As = None,
) -> int:
    """Take all that trades out of a namespace, in order, and allow the namespace to be deleted.

    The ledger is verified and written to a file; Strategies get flat and go; then their accounts go; then the namespace
    is annotated with the file's SHA-256. Before that annotation the API server refuses to delete it; after it nothing
    can be made to trade in it. It can be run again at any point and goes on. Volumes stay until the namespace goes.

    \b
    Examples:
      kubectl alphatrade decommission alphatrade-dev --export dev.jsonl
      kubectl alphatrade decommission alphatrade-dev --export dev.jsonl --drain --yes
      kubectl alphatrade decommission alphatrade-dev --undo
    """
    from alphatrade_operator.kubectl import decommission as steps

    kubectl = _kubectl(context, kubeconfig, impersonate)
    if undo:
        return steps.undo(kubectl, name)
    if export is None:
        raise KubectlError("--export is missing: name the file that the ledger is written to")
    order = steps.Order(name, export, drain, timeout_s)
    return steps.decommission(kubectl, order, _nothing if yes else steps.confirm)


@app.command("uninstall", short_help="Take AlphaTrade off the cluster: all drained and exported, then the operator.")
def uninstall(
    exports: Annotated[Path, typer.Option("--export", file_okay=False, help="Folder that ledgers are written to.")],
    drain: Drain = False,
    keep_namespaces: Annotated[
        bool, typer.Option("--keep-namespaces", help="Drain and export them, and do not free them for deletion.")
    ] = False,
    definitions: Annotated[
        bool, typer.Option("--definitions", help="Free the resource definitions for deletion, too.")
    ] = False,
    yes: Yes = False,
    timeout_s: Timeout = 600.0,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    impersonate: As = None,
) -> int:
    """Decommission every trading namespace, then uninstall the operator, then, when asked for, free the definitions.

    Each step is printed before it is done. It can be run again at any point and goes on. No ledger is deleted: what is
    left is printed, and is yours to delete.

    \b
    Examples:
      kubectl alphatrade uninstall --export ledgers --drain
      kubectl alphatrade uninstall --export ledgers --keep-namespaces        to install it again later
      kubectl alphatrade uninstall --export ledgers --drain --definitions    for good
    """
    from alphatrade_operator.kubectl import decommission as steps
    from alphatrade_operator.kubectl import uninstall as all_of_it

    if keep_namespaces and definitions:
        raise KubectlError(
            "--keep-namespaces and --definitions: give one; without definitions no namespace can be kept"
        )
    order = all_of_it.Order(exports, drain, keep_namespaces, definitions, timeout_s)
    return all_of_it.uninstall(_kubectl(context, kubeconfig, impersonate), order, _nothing if yes else steps.confirm)


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(call(sys.argv[1:]))


def call(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code. Errors are lines `error: ...` on stderr."""
    command = typer.main.get_command(app)
    try:
        code = command.main(list(arguments), prog_name="kubectl alphatrade", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except BrokenPipeError:
        sys.stderr.close()  # the reader, such as `head`, has seen enough
        return 0
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except typer.TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error.format_message())
            return 0
        print(f"error: {error.format_message().rstrip('.')}; see `kubectl alphatrade --help`", file=sys.stderr)
        return BAD_INPUT
    except KubectlError as error:
        print(f"error: {error}", file=sys.stderr)
        return code_of(error)


def code_of(error: KubectlError) -> int:
    """Return the exit code of an error."""
    return UNFINISHED if isinstance(error, Unfinished) else BAD_INPUT


def _nothing(word: str) -> None:
    """Ask nobody."""


def _where(namespace: str | None, everywhere: bool) -> tuple[str, ...]:
    if namespace and everywhere:
        raise KubectlError("-n and -A: give one of them")
    return ("-A",) if everywhere else ("-n", namespace) if namespace else ()


def _kubectl(context: str | None, kubeconfig: str | None, impersonate: str | None) -> Kubectl:
    given = (("--context", context), ("--kubeconfig", kubeconfig), ("--as", impersonate))
    return Kubectl(tuple(word for flag, value in given if value for word in (flag, value)))
