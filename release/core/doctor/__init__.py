"""What a library's project needs so that releases are safe, as rules over facts that others gather."""
