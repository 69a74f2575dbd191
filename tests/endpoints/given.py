"""The resource over what a test gives it: a store, a backend, a clock of its own."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import PrivateAttr

from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.resources.endpoints.backend import EndpointSpec
from socialnlp_assets.resources.endpoints.leases import Lease, LeaseManager
from socialnlp_assets.resources.endpoints.resource import Endpoints


class GivenEndpoints(Endpoints):
    _given: LeaseManager = PrivateAttr()
    _specification: Callable[[str], EndpointSpec] = PrivateAttr()

    def specification(self, model: str, entry: ModelEntry) -> EndpointSpec:  # noqa: ARG002
        return self._specification(model)

    def _open(self) -> LeaseManager:
        return self._given


def endpoints_of(manager: LeaseManager, specification: Callable[[str], EndpointSpec]) -> Endpoints:
    """The endpoints of one run, whose leases are made by `manager`."""
    endpoints = GivenEndpoints()
    endpoints._given, endpoints._specification, endpoints._owner = manager, specification, manager.owner
    return endpoints


def acquired(manager: LeaseManager, spec: EndpointSpec) -> Lease:
    """A lease whose endpoint is in service."""
    lease = Lease(manager, spec)
    lease.enter()
    return lease
