"""One stage of the pipeline a module, each a `run(...)` over ports that gives a report."""
