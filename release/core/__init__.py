"""Release rules and file formats: bytes in, verified values out. No IO, no clock, no environment."""
