"""Stand-ins for the sources: invented content, and servers on a loopback socket that behave as Sprinklr
and Google do, misbehaviour included. `make demo` and the tests use them; production never does."""
