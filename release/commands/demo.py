"""release demo."""


def demo() -> None:
    """Run the whole pipeline on an embedded AWS: no account, nothing leaves this machine."""
