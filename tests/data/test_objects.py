"""Objects: estimators, models, images, figures, sparse matrices, and whatever has to be pickled."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plait.data import ArtifactStore
from plait.errors import DataError

from . import samples


def test_instances_are_stored_by_the_name_of_their_class_and_their_fields(again):
    table = pd.DataFrame({"a": np.arange(100_000)})
    artifact, loaded = again(samples.Config("x", table, ["a"]))
    assert artifact.format == "dataclass"
    assert len(artifact.parts) == 1
    pd.testing.assert_frame_equal(loaded.table, table)
    for value, name in (
        (samples.Frozen(1, (2, [3])), "dataclass"),
        (samples.Model(name="a", inner={"b": [1]}), "pydantic"),
        (samples.Record(1, [2]), "struct"),
        (samples.Point(1.0, [2]), "namedtuple"),
        (samples.Pair(1, 2), "namedtuple"),
        (samples.Color.ROUGE, "enum"),
        (samples.Level.HIGH, "enum"),
        (samples.Right.READ | samples.Right.WRITE, "enum"),
    ):
        artifact, loaded = again(value)
        assert loaded == value
        assert artifact.format == name
        assert artifact.type == f"{__package__}.samples.{type(value).__name__}"


def test_which_fields_of_a_model_were_set_is_kept(again):
    assert again(samples.Model(name="a"))[1].model_fields_set == {"name"}


def test_subclasses_of_the_built_in_types_come_back_as_their_class(again):
    for value in (samples.MyDict(a=1), samples.MyList([1, 2]), samples.MyInt(3)):
        artifact, loaded = again(value)
        assert loaded == value
        assert artifact.format == "pickle"
        assert again({"inside": [value]})[1] == {"inside": [value]}


def test_a_pickled_value_says_that_it_is_tied_to_its_class(store):
    assert (
        "can only be read where the class's module can be imported"
        in store.save(samples.Thing(a=1)).meta["note"]
    )
    assert "Thing" in store.save([samples.Thing(a=1)]).meta["note"]
    assert "note" not in store.save([1, {"a": 2}]).meta


def test_arrays_and_frames_inside_an_object_are_parts_of_their_own(store, again):
    array, frame = np.arange(100_000), pd.DataFrame({"a": np.arange(50_000.0)})
    artifact, loaded = again(samples.Thing(array=array, inner={"frame": frame, "again": array}))
    assert {part.size for part in artifact.parts} == {800_000, 400_000}
    assert loaded.array is loaded.inner["again"]
    pd.testing.assert_frame_equal(loaded.inner["frame"], frame)
    loaded.array[:] = 0
    assert store.load(artifact).array.sum() == array.sum()


def test_many_objects_are_one_pickle_and_their_arrays_still_parts(again):
    arrays = [np.full(10_000, number) for number in range(100)]
    artifact, loaded = again(
        [samples.Thing(number=number, array=array) for number, array in enumerate(arrays)]
    )
    assert artifact.format == "pickle"
    assert len(artifact.parts) == 100
    assert [thing.number for thing in loaded] == list(range(100))


def test_what_is_shared_stays_shared_and_the_note_says_so(again):
    inner = [1]
    artifact, loaded = again({"a": inner, "b": inner})
    assert loaded["a"] is loaded["b"]
    assert "referred to from more than one place" in artifact.meta["note"]


def test_a_list_that_holds_itself_comes_back(store):
    value = [1]
    value.append(value)
    loaded = store.load(store.save(value))
    assert loaded[1] is loaded
    thing = samples.Thing()
    thing.me = [thing]
    loaded = store.load(store.save([thing]))
    assert loaded[0].me[0] is loaded[0]


def test_one_index_under_two_frames_is_no_sharing(store):
    index = pd.Index(["a", "b"])
    value = {"x": pd.DataFrame({"v": [1, 2]}, index=index), "y": pd.DataFrame({"v": [3, 4]}, index=index)}
    assert store.save(value).format == "tree"


def test_deep_nesting_is_stored_or_refused_in_words(store):
    value = leaf = []
    for _ in range(150):
        leaf.append([])
        leaf = leaf[0]
    assert store.load(store.save(value)) == value
    for _ in range(100_000):
        leaf.append([])
        leaf = leaf[0]
    with pytest.raises(DataError, match="nested too deeply"):
        store.save(value)


def test_functions_and_lambdas_come_back(store):
    factor = 3
    assert store.load(store.save(lambda number: number * factor))(2) == 6
    assert store.load(store.save(len)) is len
    assert store.load(store.save({"a": len, "b": len, "c": int}))["b"] is len
    assert store.save({"a": len, "b": len}).format == "tree"


NOTEBOOK = """
    import sys, msgspec
    from dataclasses import dataclass
    from plait.data import Artifact, ArtifactStore

    @dataclass
    class Score:
        value: float
        def doubled(self):
            return Score(self.value * 2)

    store = ArtifactStore(sys.argv[1])
"""


def notebook(root, code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(NOTEBOOK) + textwrap.dedent(code), str(root), *arguments],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_class_of_a_notebook_is_itself_again_where_it_is_defined_and_travels_where_it_is_not(store):
    save = """
        one = store.load(store.save([Score(1.0), {"a": Score(2.0)}]))
        assert type(one[0]) is Score and one == [Score(1.0), {"a": Score(2.0)}]
        print(msgspec.msgpack.encode(store.save(Score(4.0))).hex())
    """
    load = """
        loaded = store.load(msgspec.msgpack.decode(bytes.fromhex(sys.argv[2]), type=Artifact))
        assert type(loaded) is Score and loaded.doubled() == Score(8.0)
    """
    told = notebook(store.url, save)
    assert told == notebook(store.url, save)
    notebook(store.url, load, told)
    from msgspec import msgpack

    from plait.data import Artifact

    artifact = msgpack.decode(bytes.fromhex(told), type=Artifact)
    one, other = store.load(artifact), store.load(artifact)
    assert one.doubled().value == 8.0
    assert type(one) is type(other)
    assert store.save(one).id == artifact.id


def test_estimators_predict_the_same_and_say_what_they_are(again):
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = np.random.default_rng(0).random((50, 3))
    model = Ridge(alpha=0.5).fit(rows, rows[:, 0])
    artifact, loaded = again(model)
    assert (loaded.predict(rows) == model.predict(rows)).all()
    assert artifact.type == "sklearn.linear_model.Ridge"
    assert artifact.meta["class"] == "Ridge"
    assert artifact.meta["params"]["alpha"] == 0.5
    assert artifact.meta["fitted"] is True
    pipe = make_pipeline(StandardScaler(), Ridge()).fit(rows, rows[:, 0])
    assert (again([pipe])[1][0].predict(rows) == pipe.predict(rows)).all()


def test_sparse_matrices_of_every_form(again):
    import scipy.sparse

    dense = np.eye(4) * [[1], [0], [2.5], [3]]
    for form in ("csr", "csc", "coo", "bsr", "dia"):
        for kind in ("matrix", "array"):
            artifact, loaded = again(getattr(scipy.sparse, f"{form}_{kind}")(dense))
            assert artifact.format == "scipy.sparse"
            assert (loaded.toarray() == dense).all()


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "I;16", "F"]
)
def test_images_of_every_mode(again, mode):
    from PIL import Image

    grey = Image.fromarray(np.arange(60, dtype="u1").reshape(6, 10))
    image = grey.convert("RGB").convert(mode) if mode not in ("I;16", "LA") else grey.convert(mode)
    artifact, loaded = again(image)
    assert artifact.meta["size"] == [10, 6]
    assert loaded.tobytes() == image.tobytes()
    assert loaded.mode == mode
    assert loaded.convert("RGB").tobytes() == image.convert("RGB").tobytes()


def test_an_image_read_from_a_file_is_its_pixels(store, tmp_path):
    from PIL import Image

    image = Image.new("RGB", (3, 2), (1, 2, 3))
    image.save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as opened:
        assert store.save(opened).id == store.save(image).id


@pytest.fixture
def pyplot():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def test_a_figure_loads_as_a_figure_with_its_picture_beside_it(store, pyplot):
    from plait.data.serializers.figures import picture

    figure, axes = pyplot.subplots()
    axes.plot([1, 2], [3, 4], label="line")
    axes.legend()
    opened = pyplot.get_fignums()
    artifact = store.save(figure)
    loaded = store.load(artifact)
    assert artifact.type == "matplotlib.figure.Figure"
    assert pyplot.get_fignums() == opened
    assert loaded.axes[0].lines[0].get_label() == "line"
    assert picture(loaded) == picture(figure)
    loaded.axes[0].set_xlim(0, 10)
    assert picture(loaded) != picture(figure)


def test_equal_figures_of_two_fresh_processes_have_one_id(tmp_path):
    code = """
        import sys, matplotlib
        matplotlib.use("Agg")
        from matplotlib import pyplot
        from plait.data import ArtifactStore
        figure, axes = pyplot.subplots()
        axes.scatter([1, 2, 3], [3, 4, 5])
        axes.set_title("points")
        print(ArtifactStore(sys.argv[1]).save(figure).id)
    """
    told = {
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    }
    assert len(told) == 1


def test_a_plotly_figure_is_its_json_with_its_arrays_apart(again):
    go = pytest.importorskip("plotly.graph_objects")
    figure = go.Figure(go.Scatter(x=np.arange(20_000), y=np.arange(20_000.0)), layout={"title": "t"})
    artifact, loaded = again(figure)
    assert loaded == figure
    assert artifact.meta == {"traces": ["scatter"]}
    assert artifact.parts


def test_what_a_class_says_about_its_own_pickling_is_heeded(again):
    _, loaded = again(Careful())
    assert loaded.left_out is None
    assert loaded.kept == 1


class Careful:
    def __init__(self):
        self.kept = 1
        self.left_out = Path(__file__).open()

    def __getstate__(self):
        if self.left_out is not None:
            self.left_out.close()
        return {"kept": self.kept, "left_out": None}


def test_a_class_that_is_gone_is_named(tmp_path):
    code = """
        import sys, msgspec
        from plait.data import ArtifactStore
        sys.path.insert(0, sys.argv[1])
        import shapes
        print(msgspec.msgpack.encode(ArtifactStore(sys.argv[1]).save(shapes.Box(1))).hex())
    """
    (tmp_path / "shapes.py").write_text(
        "from dataclasses import dataclass\n@dataclass\nclass Box:\n    side: int\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    from msgspec import msgpack

    from plait.data import Artifact

    with pytest.raises(DataError, match="Box of a stored value cannot be imported from shapes"):
        ArtifactStore(tmp_path).load(msgpack.decode(bytes.fromhex(told), type=Artifact))
