"""Helm, kubectl and a cluster; the product installed once for all tests that need it."""

from kube_fixtures import backend, cluster, definitions, image, installed, namespace  # noqa: F401
