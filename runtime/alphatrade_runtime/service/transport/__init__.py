"""gRPC between pods: servers that know who calls, channels that outlive certificates and peers.

Servers are synchronous: a thread a stream. Measured on two cores with mTLS, 200-byte echo over one bidirectional
stream: threads p50 0.31 ms, asyncio 0.23 to 0.33 ms, depending on the client; p99 is the machine's noise. So threads,
which never stall each other while numpy or a compiled loop works.
"""
