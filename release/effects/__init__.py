"""What several stages do to the world through ports: execute a plan, claim a log slot, check a source."""
