import subprocess
import sys
import textwrap

import pytest

from plait.data import Codec, Raw, Registry, Unsuited, register
from plait.data.registry import BUILTIN, Entry
from plait.data.tree import dump_state, load_state
from plait.errors import DataError

from . import samples


def test_a_serializers_module_is_imported_with_the_first_value_and_not_before():
    code = """
        import sys
        from plait.data import ArtifactStore
        store = ArtifactStore("unused")
        assert not [name for name in sys.modules if name.startswith("plait.data.serializers.")]
        store.save({"a": [1, (2,)]})
        assert not [name for name in sys.modules if name.startswith("plait.data.serializers.")]
        import datetime
        store.load(store.save(datetime.date(2020, 1, 1)))
        loaded = [name for name in sys.modules if name.startswith("plait.data.serializers.")]
        assert loaded == ["plait.data.serializers.times"]
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=60)


def test_every_line_of_the_table_leads_to_a_serializer_of_that_name():
    registry = Registry(BUILTIN)
    for entry in BUILTIN:
        assert registry.by_name(entry.name).name == entry.name


def test_an_instance_of_a_subclass_is_only_taken_by_who_says_so():
    thing = Codec("thing", vars, lambda state: samples.Thing(**state))
    name = f"{samples.__name__.partition('.')[0]}.Thing"
    registry = Registry([Entry(name, "thing", thing)])
    assert registry.for_type(samples.Thing) is thing
    assert registry.for_type(Special) is None
    registry.add(Entry(name, "thing", thing, subclasses=True))
    assert registry.for_type(Special) is thing


class Special(samples.Thing):
    pass


def test_a_plugin_stores_its_own_type_with_its_buffers():
    def take_apart(value):
        if not hasattr(value, "data"):
            raise Unsuited
        return {"data": Raw(value.data), "label": value.label}

    codec = Codec("thing", take_apart, lambda state: samples.Thing(**state))
    registry = Registry([Entry(f"{samples.__name__.partition('.')[0]}.Thing", "thing", codec)])
    head, buffers = dump_state(codec, samples.Thing(data=b"x" * 10, label=(1, 2)), registry, None)
    assert [bytes(buffer) for buffer in buffers] == [b"x" * 10]
    loaded = load_state(codec, head, [bytearray(buffers[0])], registry)
    assert loaded.label == (1, 2)
    assert bytes(loaded.data) == b"x" * 10
    with pytest.raises(Unsuited):
        dump_state(codec, samples.Thing(), registry, None)


def test_a_serializer_to_be_imported_later_needs_its_formats_name():
    with pytest.raises(DataError, match="without the name"):
        register("some.Type", "some.module:SERIALIZER")


def test_an_unknown_format_is_named_with_its_nearest_matches():
    with pytest.raises(DataError, match=r"'pandas\.fram'") as caught:
        Registry(BUILTIN).by_name("pandas.fram")
    assert "pandas.frame" in caught.value.hint
