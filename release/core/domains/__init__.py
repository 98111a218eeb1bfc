"""From where a bundle may load, and what in it loads, injects or sends: read from its text, without running it."""
