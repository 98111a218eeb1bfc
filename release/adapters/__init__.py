"""The ports made real: AWS, git, processes, files, terminal. Foreign errors become ours here."""
