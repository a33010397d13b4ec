"""What came and went over the port, by plain counters."""

from attrs import define


@define
class Traffic:
    """Counted since the service began, but for what is open now."""

    connections: int = 0
    """Open now."""
    sockets: int = 0
    """WebSockets that are open now."""
    accepted: int = 0
    """Connections that were served."""
    refused: int = 0
    """Connections that were closed at once, since there were too many."""
    readers_cut: int = 0
    """Connections that were cut because their client did not take what it had asked for."""
    bugs: int = 0
    """Requests and connections that failed by a bug of ours."""
