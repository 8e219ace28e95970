from __future__ import annotations

import sys
import types

import pytest

from plait.errors import ConfError
from plait.project.secrets import Secret


def test_globals_runtime_and_env_with_their_defaults(folder):
    folder.write("base/globals.yml", "x: 1\ndeep: {y: '${x}'}\n")
    folder.write("prod/globals.yml", "x: 2\n")
    folder.write(
        "base/parameters.yml",
        """
        a: ${globals:x}
        b: ${globals:deep}
        c: ${globals:deep.y}
        d: ${globals:none, 5}
        e: ${runtime:folder, data}
        f: ${runtime_params:folder}
        g: ${env:HOME_OF, none}
        h: ${oc.env:WHO}
        i: ${env:WHO}/x
        j: ${globals:none, null}
        """,
    )
    conf = folder.read("prod", "folder=out", environ={"WHO": "me"})
    found = conf.get("parameters")
    del found["folder"]
    assert list(found.values()) == [2, {"y": 2}, 2, 5, "out", "out", "none", "me", "me/x", None]


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("${globals:gama}", "the globals have no 'gama'", "did you mean 'gamma'?"),
        ("${runtime:folder}", "the run was given no 'folder'", "write folder=VALUE on the command line"),
        ("${env:WOH}", "the environment variable WOH is not set", "did you mean 'WHO'?"),
        ("${oc.env:NONE_SUCH}", "NONE_SUCH is not set", "export NONE_SUCH=…"),
        ("${secret:db.pasword}", "the credentials have no 'db.pasword'", "did you mean 'db.password'?"),
        ("${secret:db}", "'db' is no single secret", "name one value of it"),
        ("${secret:evn:WHO}", "no provider of secrets called 'evn'", "did you mean 'env'?"),
        ("${secret:env:NO}", "the environment variable NO is not set", "export NO="),
        ("${secret:file:none.txt}", "none.txt cannot be read", None),
        ("${secret:file:s.yml#a.c}", "has no key 'a.c'", "did you mean 'a.b'?"),
        ("${secret:keyring:x}", "'x' names no secret in the keyring", "keyring:SERVICE/NAME"),
        ("${secret:vault:no}", "the vault has no secret 'no'", None),
    ],
)
def test_what_is_not_there_is_said_with_its_line_and_what_to_do(folder, text, says, hint):
    folder.write("base/globals.yml", "gamma: 1\n")
    folder.write("base/parameters.yml", f"x: 1\na: {text}\n")
    folder.write("local/credentials.yml", "db: {password: hunter2-long}\n")
    (folder.root / "s.yml").write_text("a: {b: hunter3-long}\n")

    conf = folder.read(environ={"WHO": "me"}, providers={"vault": {}.__getitem__})
    with pytest.raises(ConfError) as caught:
        conf.get("parameters")
    assert says in caught.value.what
    assert caught.value.where == "conf/base/parameters.yml:2"
    assert (hint or "") in (caught.value.hint or "")
    assert "hunter" not in str(caught.value)


def test_secrets_come_from_every_provider(folder):
    (folder.root / "token.txt").write_text("from-a-file\n")
    (folder.root / "all.yml").write_text("db: {password: from-yaml}\n")
    (folder.root / ".env").write_text("# a comment\nexport PW='from-dotenv'\n")
    folder.write("local/credentials.yml", "db: {password: from-credentials}\n")
    folder.write(
        "base/parameters.yml",
        """
        a: ${secret:env:TOKEN}
        b: ${secret:file:token.txt}
        c: ${secret:file:all.yml#db.password}
        d: ${secret:file:.env#PW}
        e: ${secret:db.password}
        f: ${secret:credentials:db.password}
        g: ${secret:vault:path/to#it}
        h: ${secret:env:NONE, a-default}
        """,
    )
    conf = folder.read(environ={"TOKEN": "from-env"}, providers={"vault": lambda place: f"from-{place}"})
    found = conf.get("parameters")
    assert all(isinstance(value, Secret) for value in found.values())
    assert [value.reveal() for value in found.values()] == [
        "from-env",
        "from-a-file",
        "from-yaml",
        "from-dotenv",
        "from-credentials",
        "from-credentials",
        "from-path/to#it",
        "a-default",
    ]
    assert conf.masker().mask("x from-yaml y") == "x *** y"


def test_the_place_of_a_secret_may_itself_be_interpolated(folder):
    folder.write(
        "base/parameters.yml", "who: TOKEN\na: ${secret:env:${who}}\nb: ${globals:x, d}/{name}.csv\n"
    )
    found = folder.read(environ={"TOKEN": "from-env"}).get("parameters")
    assert found["a"].reveal() == "from-env"
    assert found["b"] == "d/{name}.csv"


def test_a_broken_file_of_secrets_shows_none_of_its_lines(folder):
    (folder.root / "all.yml").write_text("db: hunter2-long: x\n")
    folder.write("base/parameters.yml", "a: ${secret:file:all.yml#db}\n")
    with pytest.raises(ConfError, match=r"broken YAML in all\.yml, line 1") as caught:
        folder.read().get("parameters")
    assert "hunter2" not in str(caught.value)


def test_a_missing_keyring_package_says_how_to_install_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    folder.write("base/parameters.yml", "a: ${secret:keyring:shop/etl}\n")
    with pytest.raises(ConfError) as caught:
        folder.read().get("parameters")
    assert caught.value.hint == "pip install keyring"


def test_a_keyring_gives_the_secret_of_a_service_and_name(folder, monkeypatch):
    stored = {("team/shop", "etl"): "from-the-keyring"}
    package = types.ModuleType("keyring")
    package.get_password = lambda service, name: stored.get((service, name))
    package.errors = types.SimpleNamespace(KeyringError=RuntimeError)
    monkeypatch.setitem(sys.modules, "keyring", package)
    folder.write("base/parameters.yml", "a: ${secret:keyring:team/shop/etl}\n")
    assert folder.read().get("parameters")["a"].reveal() == "from-the-keyring"
    folder.write("base/parameters.yml", "a: ${secret:keyring:shop/other}\n")
    with pytest.raises(ConfError) as caught:
        folder.read().get("parameters")
    assert caught.value.hint == "keyring set shop other"


def test_a_keyring_in_a_file_gives_what_was_put_there(folder, monkeypatch, tmp_path):
    keyring = pytest.importorskip("keyring", reason="keyring is not installed: pip install 'plait[keyring]'")
    backend = pytest.importorskip("keyrings.alt.file", reason="keyrings.alt is not installed")
    before = keyring.get_keyring()
    store = backend.PlaintextKeyring()
    store.file_path = str(tmp_path / "keyring.cfg")
    keyring.set_keyring(store)
    try:
        keyring.set_password("team/shop", "etl", "really-from-the-keyring")
        folder.write("base/parameters.yml", "a: ${secret:keyring:team/shop/etl}\n")
        assert folder.read().get("parameters")["a"].reveal() == "really-from-the-keyring"
        folder.write("base/parameters.yml", "a: ${secret:keyring:team/shop/other}\n")
        with pytest.raises(ConfError) as caught:
            folder.read().get("parameters")
        assert caught.value.hint == "keyring set team/shop other"
    finally:
        keyring.set_keyring(before)


def test_kinds_that_refer_to_themselves_in_a_circle_are_an_error(folder):
    folder.write("base/globals.yml", "x: ${globals:y}\ny: ${globals:x}\n")
    with pytest.raises(ConfError, match="circle: globals → globals"):
        folder.read().get("globals")


def test_a_resolver_of_the_project_is_called_and_may_replace_ours(folder):
    folder.write("base/parameters.yml", "a: ${today:}\nb: ${env:X}\n")
    conf = folder.read(resolvers={"today": lambda: "2024-01-01", "env": lambda name: f"ours-{name}"})
    assert conf.get("parameters") == {"a": "2024-01-01", "b": "ours-X"}
