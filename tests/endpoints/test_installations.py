"""Installations that share an account, or a path, and no lease store: none touches what is the other's."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from socialnlp_assets.resources.build import build_endpoints
from socialnlp_assets.resources.endpoints.backend import EndpointSpec
from socialnlp_assets.resources.endpoints.leases import LeaseManager, Owner
from socialnlp_assets.resources.endpoints.records import Record
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from socialnlp_assets.settings import Profile, Settings
from tests.endpoints.given import acquired, endpoints_of
from tests.endpoints.world import TERMS, World, spec


class Installation:
    """The same prefix, catalogue and settings as any other, and a lease store of its own."""

    def __init__(self, world: World, name: str) -> None:
        store = SqliteStore(world.directory / name / "leases.db", Record, world.clock.now)
        self.manager = LeaseManager(store, world.backend, TERMS, Owner(name), world.clock.sleep, heartbeats=False)
        self.spec: EndpointSpec = spec("translator", store.name)
        self.endpoints = endpoints_of(self.manager, lambda _: self.spec)


def test_two_installations_never_share_an_endpoint_nor_remove_the_others(world: World) -> None:
    one, two = Installation(world, "one"), Installation(world, "two")
    (ours,) = world.together(lambda: acquired(one.manager, one.spec))
    (theirs,) = world.together(lambda: acquired(two.manager, two.spec))
    assert ours.endpoint != theirs.endpoint
    ours.release()
    for _ in range(4):
        world.clock.advance(50)
        theirs.renew()
    assert [removal.endpoint for removal in one.endpoints.reap()] == [one.spec.endpoint_name(1)]
    assert theirs.invoke(b'{"inputs": ["ciao"], "parameters": {"src_lang": "it"}}').body
    theirs.release()
    world.clock.advance(600)
    two.endpoints.reap()


def test_a_store_at_the_same_path_in_another_container_is_another(tmp_path: Path) -> None:
    path = tmp_path / "leases.db"
    first = SqliteStore(path, Record).name
    assert SqliteStore(path, Record).name == first
    path.rename(tmp_path / "of another container.db")
    assert SqliteStore(path, Record).name != first


def test_on_aws_leases_are_not_kept_on_one_machine(tmp_path: Path) -> None:
    settings = Settings(profile=Profile.AWS, state=tmp_path, leases=str(tmp_path / "leases.db"))
    with pytest.raises(ValueError, match=r"leases\.db serve one machine.*SOCIALNLP_LEASES to s3://bucket/prefix"):
        build_endpoints(settings).records()


def test_what_a_lost_store_left_goes_when_its_deadline_has_passed(world: World) -> None:
    name = spec("translator").endpoint_name(3)
    deadline = world.clock.now() + timedelta(hours=6)
    tags = {"socialnlp:leases": "a lost store", "socialnlp:deadline": deadline.isoformat()}
    world.backend.create(name, spec("translator"), tags)
    world.clock.advance(6 * 3600 - 1)
    assert world.endpoints().reap() == []
    world.clock.advance(1)
    (removal,) = world.endpoints().reap()
    assert (removal.endpoint, removal.reason) == (name, "past its deadline, and its installation has not removed it")
