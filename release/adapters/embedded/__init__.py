"""AWS on this machine, for `release demo` and the tests: storage, keys and a caching edge.

Nothing here is a security boundary. It exists so that the real stages, with the real policies, can
be run and refused without an account.
"""
