"""What a script is, read from its syntax tree: the language level it needs, and the names it offers to pages."""
