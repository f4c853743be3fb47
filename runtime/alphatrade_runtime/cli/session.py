"""From a folder of YAML and the command's options to what an engine runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from alphatrade_operator.feed.render import render_instrument
from alphatrade_operator.render import render_session
from alphatrade_operator.resources import Resources, load_folder
from alphatrade_operator.session import choose_strategy, gather
from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.plugin.contract import SignalSpec
from alphatrade_runtime.plugin.load import LoadedPlugin, load
from alphatrade_runtime.policy.document import Session, parse_session

Document = dict[str, Any]
Clock = Literal["Max", "Stream", "Wall"]


@dataclass(frozen=True)
class Plan:
    """A session document with the digests of the plug-ins that it uses, by signal name; remarks for the reader.

    listed: the facts of all instruments of the folder's feed, in its order; the Strategy may trade some of them.
    """

    document: Document
    session: Session
    plugin_digests: Mapping[str, str]
    remarks: tuple[str, ...]
    listed: tuple[Mapping[str, Any], ...]

    def engine(self) -> Engine:
        """Return the engine of this session."""
        return Engine(self.session, self.plugin_digests)


def read_plan(
    folder: Path,
    strategy: str | None = None,
    *,
    plugin: Path | None = None,
    signal: str | None = None,
    feed: Mapping[str, Any] | None = None,
    speed: str | None = None,
) -> Plan:
    """Read a folder and lay the options over it. Raises ResourceError, InputError or PluginError.

    feed: takes the place of the folder's feed.  speed: of the feed's speed.
    """
    resources = load_folder(folder)
    document = render_session(resources, strategy)
    if feed is not None:
        document["feed"] = {**feed, "speed": document["feed"]["speed"], "record": False}
    if speed is not None:
        document["feed"]["speed"] = speed
    loaded = load_plugins(document)
    if plugin is not None:
        loaded.append(load(plugin))
        _put_in_place(document, loaded[-1], signal)
    elif signal is not None:
        raise InputError("--signal: names a signal of --plugin; give --plugin too, or leave it out")
    listed = _listed(resources, strategy)
    return Plan(document, _parsed(document), plugin_digests_of(loaded), resources.notes, listed)


def load_plugins(document: Mapping[str, Any]) -> list[LoadedPlugin]:
    """Load the strategy files that a session document names. Raises PluginError, also for another digest."""
    return [load(Path(given["path"]), given["digest"]) for given in document["policy"]["plugins"]]


def plugin_digests_of(loaded: Sequence[LoadedPlugin]) -> dict[str, str]:
    """Return the digests by signal name."""
    return {spec.name: one.digest for one in loaded for spec in one.signals}


def clock_of(session: Session) -> Clock:
    """Return what drives a session's clock, also for a paper account.

    Max: the tape, replayed.  Stream: the rows, given out n times as fast as they came.  Wall: the time of day.
    """
    match session.feed.speed:
        case "Max":
            return "Max"
        case "Realtime":
            return "Wall"
        case _:
            return "Stream"


def _listed(resources: Resources, strategy: str | None) -> tuple[Mapping[str, Any], ...]:
    feed = gather(resources, choose_strategy(resources, strategy)).parts.feed.spec
    return tuple(render_instrument(facts) for facts in feed.instruments)


def _parsed(document: Document) -> Session:
    try:
        return parse_session(document)
    except InputError as error:
        if str(error).startswith("session.feed.") and ".speed:" in str(error):
            raise InputError(
                f"--speed {document['feed']['speed']}: write Max, Realtime, or a multiple such as 200x"
            ) from None
        raise


def _put_in_place(document: Document, plugin: LoadedPlugin, name: str | None) -> None:
    """Let every policy trade the plug-in's signal, unless one names a signal of the plug-in already."""
    policy = document["policy"]
    policy["plugins"].append({"path": str(plugin.path), "digest": plugin.digest})
    declared = {spec.name for spec in plugin.signals}
    if name is None and any(gene["signal"]["ref"] in declared for gene in policy["genotype"]["policies"]):
        return
    spec = _chosen(plugin, name)
    for gene in policy["genotype"]["policies"]:
        gene["signal"] = {"ref": spec.name, "api": spec.api, "digest": plugin.digest, "params": {}}


def _chosen(plugin: LoadedPlugin, name: str | None) -> SignalSpec:
    names = [spec.name for spec in plugin.signals]
    if name is None and len(names) == 1:
        return plugin.signals[0]
    for spec in plugin.signals:
        if spec.name == name:
            return spec
    asked = "declares several signals" if name is None else f"declares no signal {name!r}"
    raise InputError(f"{plugin.path}: {asked}; give --signal one of {', '.join(names)}")
