"""Spans of time, as people say them."""

from datetime import timedelta


def rough(span: timedelta) -> str:
    """Give a span in its largest whole unit; one that is negative, by a clock that is wrong, as none."""
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
