"""The plain HTTP side of a pod: probes and metrics, nothing that can change anything."""

from alphatrade_runtime.service.http.server import Health, HttpServer, serve_http

__all__ = ["Health", "HttpServer", "serve_http"]
