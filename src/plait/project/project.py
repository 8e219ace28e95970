"""What belongs to the project around a folder? Its conf in one environment, its parameters, its catalog."""

from __future__ import annotations

import os
import pickle
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from plait.graph.overrides import Rule
from plait.project.components import HOOKED
from plait.project.place import home_at, project_root
from plait.project.plugins import LazyPlugins, Plugin, find_plugins
from plait.project.stack import Stack, chosen_stack, read_stack

if TYPE_CHECKING:
    from plait.project.catalog import Catalog, Check, CheckResult
    from plait.project.conf import CarriedConf, Conf
    from plait.project.discover import ProjectFile
    from plait.project.hooks import HookCaller
    from plait.project.parameters import Parameters
    from plait.project.pipelines import Pipelines
    from plait.project.secrets import Masker, Secret

__all__ = ["Project", "ProjectSpec"]


class ProjectSpec(Struct, frozen=True, array_like=True):
    """What another process needs to see the same project.

    Names and texts, and never a secret's value, unless it is for another machine: then ``carried`` is the conf as it
    was read, secrets and all, and ``data_root`` the folder that relative paths of data mean, if not ``root``.
    """

    root: str
    env: str | None = None
    assignments: tuple[str, ...] = ()
    params_file: str | None = None
    load_versions: dict[str, str] = {}
    save_version: str | None = None
    plugins: tuple[Plugin, ...] | None = None
    paranoid: bool = False
    stack: str | None = None
    data_root: str = ""
    carried: bytes = b""

    def __repr__(self) -> str:
        return f"<project at {self.root}>"


class Project:
    """A folder with code and, if it has any, ``conf/``; nothing is read before it is asked for.

    Args:
        root: the folder.
        env: the environment of the conf; ``PLAIT_ENV``, else ``local``, if left out.
        assignments: NAME=VALUE texts over the parameters.
        params_file: a file of parameters over those of the conf.
        load_versions: versions of datasets to load instead of the newest.
        save_version: the version that versioned datasets are saved under; the moment if left out.
        step_options: options of steps over those of ``steps.yml``: ``fit.memory=16GiB``, or a mapping by step.
        plugins: those whose hooks and types count; the installed ones if left out.
        paranoid: whether the content of a file is looked at even if its size and times are those that are known.
        stack: the name of a stack to run on instead of that of the environment; ``PLAIT_STACK`` if left out.
        data_root: the folder that relative paths of data mean; ``root`` if left out.
        carried: the conf, where its files are on another machine.
        carried_stack: the stack, likewise.

    Attributes:
        checked: what checks of its catalog found and nobody has taken yet.
    """

    def __init__(
        self,
        root: Path,
        env: str | None = None,
        *,
        assignments: Sequence[str] = (),
        params_file: Path | None = None,
        load_versions: Mapping[str, str] | None = None,
        save_version: str | None = None,
        step_options: Sequence[str] | Mapping[str, Mapping[str, Any]] = (),
        plugins: tuple[Plugin, ...] | None = None,
        paranoid: bool = False,
        stack: str | None = None,
        data_root: Path | None = None,
        carried: CarriedConf | None = None,
        carried_stack: Stack | None = None,
    ) -> None:
        self.root = root
        self.data_root = data_root or root
        self._carried = carried
        self._carried_stack = carried_stack
        self.stack_name = chosen_stack(stack)
        self.checked: list[CheckResult] = []
        self._plugins = plugins
        self._step_secrets: dict[str, Secret] = {}
        self.assignments = tuple(assignments)
        self.params_file = params_file
        self.load_versions = dict(load_versions or {})
        self.save_version = save_version
        self.step_options = step_options
        self.paranoid = paranoid
        self._env = env

    @classmethod
    def find(cls, start: Path | str | None = None, env: str | None = None, **options: Any) -> Project:
        """The project around a folder or file (the working directory if left out); that folder when there is none."""
        here = Path(start).resolve() if start is not None else Path.cwd()
        folder = here if here.is_dir() else here.parent
        return cls(project_root(folder) or folder, env, **options)

    @classmethod
    def of(cls, spec: ProjectSpec) -> Project:
        conf, stack = pickle.loads(spec.carried) if spec.carried else (None, None)
        return cls(
            Path(spec.root),
            spec.env,
            assignments=spec.assignments,
            params_file=Path(spec.params_file) if spec.params_file else None,
            load_versions=spec.load_versions,
            save_version=spec.save_version,
            plugins=spec.plugins,
            paranoid=spec.paranoid,
            stack=spec.stack,
            data_root=Path(spec.data_root) if spec.data_root else None,
            carried=conf,
            carried_stack=stack,
        )

    @property
    def spec(self) -> ProjectSpec:
        return ProjectSpec(
            str(self.root),
            self.env if self.has_conf else self._env,
            self.assignments,
            str(self.params_file) if self.params_file else None,
            self.load_versions,
            self.save_version,
            self.plugins,
            self.paranoid,
            self.stack_name,
        )

    def spec_for_elsewhere(self, secrets: Iterable[str] = ()) -> ProjectSpec:
        """The same for a machine that has neither the conf, nor this one's variables and keyring.

        Args:
            secrets: those that steps ask for, as they say them.

        Raises:
            ConfError: one of them is not there.
        """
        references = {_reference_of(said) for said in secrets}
        if not (self.has_conf or references):
            return self.spec
        # Who hears of the run is told by the driver, and need not be installed there.
        carried = self.conf.carry(references), self.stack.without(HOOKED)
        return msgspec.structs.replace(self.spec, carried=pickle.dumps(carried, protocol=5))

    @property
    def work_root(self) -> Path:
        """The folder that ``workdir`` of a step starts at: that of the data, or of the code where there is no such."""
        return self.data_root if self.data_root.is_dir() else self.root

    @property
    def home(self) -> Path:
        """The ``.plait`` folder."""
        return home_at(self.root)

    @property
    def conf_folder(self) -> Path:
        """``conf/``, or what ``[tool.plait] conf`` or ``PLAIT_CONF`` names."""
        named = os.environ.get("PLAIT_CONF")
        return Path(named) if named else self.root / str(self.settings.get("conf", "conf"))

    @property
    def has_conf(self) -> bool:
        return self._carried is not None or self.conf_folder.is_dir()

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The table ``[tool.plait]`` of the project's ``pyproject.toml``.

        Raises:
            ConfError: the file is not TOML.
        """
        from plait.project.settings import read_settings

        return read_settings(self.root)

    @cached_property
    def file(self) -> ProjectFile | None:
        """What ``pyproject.toml`` says of the code; None where there is no table ``[tool.plait]``.

        Raises:
            ConfError: the table is wrong.
        """
        from plait.project.discover import project_at

        return project_at(self.root)

    @cached_property
    def step_rules(self) -> list[Rule]:
        """What the environment and the command line say about how steps run.

        Raises:
            ConfError, ParameterError: it cannot be read.
        """
        if not (self.has_conf or self.step_options):
            return []
        from plait.project.steps import read_rules, rules_in

        return [*(rules_in(self.conf) if self.has_conf else ()), *read_rules(self.step_options)]

    @property
    def package(self) -> str | None:
        """The name of the project's package."""
        return self.file.package if self.file else None

    @cached_property
    def pipelines(self) -> Pipelines:
        """The pipelines by name; the module of one is imported when it is asked for."""
        from plait.project.pipelines import Pipelines

        return Pipelines(self.file)

    @property
    def env(self) -> str:
        return self.conf.env

    @cached_property
    def conf(self) -> Conf:
        """The conf of the environment.

        Raises:
            ConfError: there is no such environment, or a file does not add up.
        """
        from plait.project.conf import Conf
        from plait.project.parameters import overrides

        runtime = (
            overrides(self.assignments, self.params_file) if self.assignments or self.params_file else None
        )
        return Conf(
            self.conf_folder if self._carried is None and self.has_conf else None,
            self._env,
            runtime=runtime,
            replace=("stack", "stacks"),  # a component of a stack is said whole
            providers={"stack": self._secret_of_stack},
            carried=self._carried,
        )

    def _secret_of_stack(self, name: str) -> Any:
        """What ``${secret:stack:NAME}`` reads.

        Raises:
            ConfError: the stack says nothing of secrets, or there is none of that name.
        """
        component = self.stack.get("secrets")
        if component is None:
            from plait.errors import ConfError

            raise ConfError(
                f"the stack {self.stack.name!r} does not say where secrets are",
                hint="secrets: environment, or {type: file, path: …}, or {type: keyring, service: …} in stack.yml",
            )
        return component.open(self)(name)

    @cached_property
    def params(self) -> Parameters:
        from plait.project.parameters import Parameters

        return Parameters(self.conf)

    @cached_property
    def catalog(self) -> Catalog:
        """The datasets.

        Raises:
            CatalogError, ConfError: an entry does not add up.
        """
        from plait.project.catalog import Catalog
        from plait.project.secrets import reveal

        self.make_importable()
        conf = self.conf
        catalog = Catalog(
            conf.get("catalog"),
            root=self.data_root,
            credentials=reveal(conf.get("credentials")),
            origin=lambda key: conf.origin("catalog", key),
            env=conf.env,
            load_versions=self.load_versions,
            save_version=self.save_version,
            types={one.name: one.value for one in self.plugins if one.group == "plait.datasets"},
            checks=self._own_checks(),
            on_check=self.checked.append,
            hooks=self.hooks,
            paranoid=self.paranoid,
            away=self._carried is not None and not self.data_root.is_dir(),
        )
        if self.hooks is not None and self.hooks.wants("catalog_built"):
            from plait.project.hookspecs import CatalogBuilt

            names, patterns = tuple(catalog.names()), tuple(catalog.patterns())
            context = CatalogBuilt(root=str(self.root), env=conf.env, datasets=names, patterns=patterns)
            self.hooks.call("catalog_built", context)
        return catalog

    def _own_checks(self) -> list[Check]:
        """The checks that the project's code marks, in ``<package>.checks`` or where ``[tool.plait]`` says."""
        name = self._own_module("checks")
        if name is None:
            return []
        from importlib import import_module

        from plait.project.catalog import find_checks

        self.make_importable()
        return find_checks(import_module(name))

    def _own_module(self, kind: str) -> str | None:
        """The dotted name of a module of the project's own, said in ``[tool.plait]`` or there by its name.

        Raises:
            ConfError: what ``[tool.plait]`` says is no name of a module.
        """
        said = self.settings.get(kind)
        if said is not None:
            if isinstance(said, str) and all(part.isidentifier() for part in said.split(".")):
                return said
            from plait.errors import ConfError

            raise ConfError(
                f"[tool.plait] {kind} is {said!r}, which is no module",
                where=str(self.root / "pyproject.toml"),
                hint=f'{kind} = "package.{kind}"',
            )
        if not self.settings or self.file is None:
            return None
        place = self.file.source / Path(*self.file.package.split("."))
        there = (place / f"{kind}.py").is_file() or (place / kind / "__init__.py").is_file()
        return f"{self.file.package}.{kind}" if there else None

    @cached_property
    def stack(self) -> Stack:
        """What this project runs on: that of the environment, unless another one was asked for.

        Raises:
            ConfError: there is no such stack, or what the conf says of it does not add up.
        """
        if self._carried_stack is not None:
            return self._carried_stack
        conf = self.conf if self.has_conf else None
        return read_stack(self.stack_name, conf, self.settings, LazyPlugins(lambda: self.plugins), self.root)

    @cached_property
    def plugins(self) -> tuple[Plugin, ...]:
        """What installed packages add to plait."""
        return find_plugins() if self._plugins is None else self._plugins

    @cached_property
    def hooks(self) -> HookCaller | None:
        """What calls the hooks of plugins and of ``<package>/hooks.py``; None where there are none.

        Raises:
            HookError: one of them cannot be called.
        """
        own = self._own_module("hooks")
        named = [one for kind in HOOKED for one in self.stack.all(kind)]
        if own is None and not named and not any(one.group == "plait.plugins" for one in self.plugins):
            return None
        from plait.project.hooks import load_hooks

        self.make_importable()
        components = {f"the {one.kind} {one.type} at {one.where}": one.open(self) for one in named}
        return load_hooks(self.plugins, own, components)

    def announce(self) -> None:
        """Tell the hooks that this process is about to use the project.

        Raises:
            HookError: one of them cannot be called, or raised.
        """
        if self.hooks is not None and self.hooks.wants("project_loaded"):
            from plait.project.hookspecs import ProjectLoaded

            env = self.env if self.has_conf else None
            context = ProjectLoaded(root=str(self.root), package=self.package, env=env)
            self.hooks.call("project_loaded", context)

    @property
    def secrets_named(self) -> int:
        """How many secrets steps have named by now."""
        return len(self._step_secrets)

    def step_secret(self, said: str, value: str | None = None) -> tuple[str, Secret]:
        """A secret that a step asks for, and the variable that it is in: the masker hides it from now on.

        Args:
            value: what it is, where this machine has been told.
            said: ``NAME=REFERENCE``, with what ``${secret:…}`` takes for a reference; or the reference alone, of which
                the last part gives the variable's name: ``db.password`` is ``DB_PASSWORD``.

        Raises:
            ConfError: there is no such secret.
        """
        from plait.project.secrets import Secret

        reference = _reference_of(said)
        name = said.partition("=")[0] if "=" in said else _variable_name(said)
        found = Secret(self.conf.secret(reference) if value is None else value)
        self._step_secrets[name] = found
        return name, found

    def make_importable(self) -> None:
        """Let the project's own code be found: the catalog names types and checks of it by dotted path."""
        source = self.root / "src"
        entry = str(source if source.is_dir() else self.root)
        if entry not in sys.path:
            sys.path.insert(0, entry)

    def masker(self) -> Masker | None:
        """What hides the project's secrets in texts; None when it has none."""
        from plait.project.secrets import Masker

        secrets = [*self.stack.secrets(), *self._step_secrets.values()]
        if not self.has_conf:
            return Masker(secrets) if secrets else None
        found = self.conf.masker(secrets)
        return found or None

    def _repr_html_(self) -> str:
        # Found by name: a project does not depend on how it is shown.
        from importlib import import_module

        shown: str = import_module("plait.display.project").project_html(self)
        return shown

    def __repr__(self) -> str:
        return f"<project {self.root.name}{f', environment {self.env}' if self.has_conf else ''}>"


def _reference_of(said: str) -> str:
    """What a step names when it asks for a secret: ``DB_PASSWORD=db.password``, or ``db.password``."""
    return (said.partition("=")[2] if "=" in said else said).strip()


def _variable_name(reference: str) -> str:
    """The environment variable for a secret that is told by its place alone."""
    last = re.split(r"[:/#]", reference.strip())[-1]
    return re.sub(r"\W", "_", last).upper()
