import pytest

from plait.data import ArtifactStore


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "store")


@pytest.fixture
def again(store):
    """Stores a value, checks what was stored, and gives back the artifact and a load of it."""

    def both(value):
        artifact = store.save(value)
        assert store.check(artifact) is None
        loaded = store.load(artifact)
        assert store.save(loaded).id == artifact.id
        assert type(loaded) is type(value)
        return artifact, loaded

    return both
