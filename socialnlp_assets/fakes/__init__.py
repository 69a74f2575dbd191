"""Sample hours for `socialnlp demo` and the tests: what the stand-ins of the sources serve, what others drop, and the
article pages that messages link to. The stand-ins themselves lie with their sources; production uses none of it."""
