"""Stories on a real cluster share it, and one Helm install."""

from kube_fixtures import backend, cluster, definitions, image, installed, namespace  # noqa: F401
