"""Resources from YAML files: the same documents that a cluster takes."""

from alphatrade_operator.resources.faults import ResourceError
from alphatrade_operator.resources.load import Loaded, Resources, load, load_folder

__all__ = ["Loaded", "ResourceError", "Resources", "load", "load_folder"]
