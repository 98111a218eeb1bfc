"""What an audit compares: what the release log says, and what there is of it in the world. Pure."""
