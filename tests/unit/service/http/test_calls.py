"""Every gRPC call is counted with its end; streams are seen while they are open."""

from concurrent import futures

import grpc
import pytest

from alphatrade.telemetry import Registry
from alphatrade_runtime.service.http.calls import MeasuredCalls


class Echo(grpc.GenericRpcHandler):
    def __init__(self, registry):
        self.registry, self.seen = registry, []

    def service(self, details):
        kind = details.method.rpartition("/")[2]
        return {
            "Apply": grpc.unary_unary_rpc_method_handler(self.one),
            "Trade": grpc.stream_stream_rpc_method_handler(self.many),
            "WatchStatus": grpc.unary_stream_rpc_method_handler(self.watch),
        }.get(kind)

    def one(self, request, context):
        if request == b"refuse":
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no")
        if request == b"raise":
            raise ValueError
        return request

    def many(self, requests, context):
        for request in requests:
            if request == b"refuse":
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no")
            self.seen.append(open_streams(self.registry, "Trade"))
            yield request

    def watch(self, request, context):
        yield request


def lines(registry, start):
    return [line for line in registry.text().decode().splitlines() if line.startswith(start)]


def open_streams(registry, method):
    return [float(line.split()[-1]) for line in lines(registry, "alphatrade_grpc_streams") if method in line]


@pytest.fixture
def registry():
    return Registry("feed", "btc")


@pytest.fixture
def echo(registry):
    return Echo(registry)


@pytest.fixture
def channel(registry, echo):
    server = grpc.server(futures.ThreadPoolExecutor(4), interceptors=[MeasuredCalls(registry)])
    server.add_generic_rpc_handlers((echo,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    server.stop(None).wait()


def counted(registry):
    found = {}
    for line in lines(registry, "alphatrade_grpc_requests_total"):
        labels, value = line.rsplit(" ", 1)
        parts = dict(part.split("=") for part in labels[labels.index("{") + 1 : -1].replace('"', "").split(","))
        found[parts["method"], parts["grpc_code"]] = float(value)
    return found


def test_unary_calls_are_counted_by_their_end(registry, channel):
    call = channel.unary_unary("/x/Apply", bytes, bytes)
    assert call(b"hi", timeout=10) == b"hi"
    for request in (b"refuse", b"raise"):
        with pytest.raises(grpc.RpcError):
            call(request, timeout=10)
    assert counted(registry) == {
        ("Apply", "OK"): 1,
        ("Apply", "FAILED_PRECONDITION"): 1,
        ("Apply", "UNKNOWN"): 1,
    }
    (times,) = lines(registry, "alphatrade_grpc_request_duration_seconds_count")
    assert times.endswith(" 1.0")


def test_streams_are_seen_while_they_are_open(registry, channel, echo):
    call = channel.stream_stream("/x/Trade", bytes, bytes)
    assert list(call(iter([b"a", b"b"]), timeout=10)) == [b"a", b"b"]
    assert list(channel.unary_stream("/x/WatchStatus", bytes, bytes)(b"a", timeout=10)) == [b"a"]
    with pytest.raises(grpc.RpcError):
        list(call(iter([b"refuse"]), timeout=10))
    assert echo.seen == [[1.0], [1.0]]
    assert open_streams(registry, "Trade") == [0.0]
    assert counted(registry) == {
        ("Trade", "OK"): 1,
        ("WatchStatus", "OK"): 1,
        ("Trade", "INVALID_ARGUMENT"): 1,
    }


def test_a_method_that_nobody_knows_is_not_counted(registry, channel):
    with pytest.raises(grpc.RpcError, match="UNIMPLEMENTED"):
        channel.unary_unary("/x/Luck", bytes, bytes)(b"", timeout=10)
    assert counted(registry) == {}
