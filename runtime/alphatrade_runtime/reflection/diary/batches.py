"""Where the batches of a stream end: by number of rows and by event time, never by how rows were handed over."""

from alphatrade_runtime.numerics.jit import entry


@entry
def batch_ends(times, first, start, stop, most_rows, span_ns, ends):
    """Find the batches that rows [start, stop) close; return how many.

    times: (n,) int64 event times, ns.  first: the first row of the open batch, which no row before `start` closes.
    span_ns: a batch closes before the row so much or more after its first one; 0 closes by rows only.
    ends: (n,) int64, filled with the row after each batch.
    """
    n = 0
    for r in range(start, stop):
        if span_ns > 0 and r > first and times[r] - times[first] >= span_ns:
            ends[n] = r
            n += 1
            first = r
        if r + 1 - first == most_rows:
            ends[n] = r + 1
            n += 1
            first = r + 1
    return n
