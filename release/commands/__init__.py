"""One command (or group) a module: read options, compose, run one stage, show its report."""
