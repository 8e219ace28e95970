"""Who is told how a run ended? A channel of Slack, or whatever takes JSON over HTTP.

Each class is a type: its fields are the options of ``alerter:`` in ``stack.yml``.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from msgspec import Struct

from plait.errors import HookError
from plait.project.hooks import hook
from plait.project.hookspecs import RunFailed, RunFinished, StepRetried
from plait.project.secrets import Secret

if TYPE_CHECKING:
    from plait.project.project import Project

__all__ = ["Slack", "Webhook"]

_TRIES = 4
_SECONDS = 10.0
Moment = Literal["failed", "finished", "retried"]


class Webhook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A URL that takes JSON by POST.

    Attributes:
        when: of what it hears.
        headers: sent along, such as an authorization.
        link: where people look at a run; ``{run}`` stands for its id.
    """

    schemes: ClassVar[tuple[str, ...]] = ("http", "https")

    url: Secret
    when: tuple[Moment, ...] = ("failed",)
    headers: dict[str, str] = {}
    link: str | None = None

    def open(self, project: Project) -> Alerts:
        headers = dict(self.headers)
        return Alerts(
            self.when, self.link, lambda said: _post(self.url.reveal(), said, headers, "the webhook")
        )


class Slack(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A channel of Slack, by the URL of its incoming webhook.

    Attributes:
        when: of what it hears.
        link: where people look at a run; ``{run}`` stands for its id.
    """

    schemes: ClassVar[tuple[str, ...]] = ("https://hooks.slack.com",)

    url: Secret
    when: tuple[Moment, ...] = ("failed",)
    link: str | None = None

    def open(self, project: Project) -> Alerts:
        return Alerts(
            self.when,
            self.link,
            lambda said: _post(self.url.reveal(), slack_message(said), {}, "Slack's webhook"),
        )


class Alerts:
    """The hooks: what happened, as a message on its way."""

    def __init__(
        self, when: tuple[Moment, ...], link: str | None, send: Callable[[dict[str, Any]], None]
    ) -> None:
        self._when = frozenset(when)
        self._link = link
        self._send = send

    def check(self) -> str:
        """Send a message that says that it is a test."""
        self._send({"event": "check", "text": "plait stack check: what runs have to say arrives here"})
        return "sent a message that says that it is a test"

    @hook
    def run_failed(self, context: RunFailed) -> None:
        if "failed" not in self._when:
            return
        verb = "failed" if context.status == "failed" else "was cancelled"
        text = f"{context.pipeline} {verb} after {_time(context.seconds)}"
        self._tell(
            "run_failed",
            context,
            text,
            status=context.status,
            reason=context.reason,
            tasks=list(context.tasks),
        )

    @hook
    def run_finished(self, context: RunFinished) -> None:
        if "finished" in self._when:
            text = f"{context.pipeline} is done in {_time(context.seconds)}"
            self._tell("run_finished", context, text, status="done")

    @hook
    def step_retried(self, context: StepRetried) -> None:
        if "retried" in self._when:
            text = f"{context.pipeline}: attempt {context.attempt} of {context.task} failed, another follows"
            self._tell("step_retried", context, text, reason=context.reason, tasks=[context.task])

    def _tell(self, event: str, context: Any, text: str, **more: Any) -> None:
        said = {"event": event, "text": text, "run": context.run, "pipeline": context.pipeline, **more}
        if hasattr(context, "seconds"):
            said["seconds"] = round(context.seconds, 3)
        if self._link is not None:
            said["link"] = self._link.replace("{run}", context.run)
        self._send(said)


def slack_message(said: dict[str, Any]) -> dict[str, Any]:
    """A message as Slack lays it out: what happened, why, and where to look."""
    mark = {"run_failed": "❌", "run_finished": "✅", "step_retried": "🔁"}.get(said["event"], "🔔")
    lines = [f"{mark} *{_escaped(said['text'])}*"]
    if said.get("tasks"):
        lines.append("in " + ", ".join(f"`{_escaped(task)}`" for task in said["tasks"]))
    if said.get("reason"):
        lines.append(f"> {_escaped(str(said['reason']).splitlines()[0][:500])}")
    if said.get("run"):
        shown = f"<{said['link']}|{said['run']}>" if said.get("link") else f"`plait show {said['run']}`"
        lines.append(f"run {shown}")
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(lines)}}
    return {"text": said["text"], "blocks": [block]}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _post(url: str, said: dict[str, Any], headers: dict[str, str], name: str) -> None:
    """Send JSON; once more where the other side is busy or cannot be reached for a moment.

    Raises:
        HookError: it did not get there. The URL is not repeated: whoever has it can write there.
    """
    if not url.startswith(("http://", "https://")):
        raise HookError(f"{name} is no URL of http or https", hint="check url: of the alerter in the stack")
    body = json.dumps(said).encode()
    problem = ""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(0.3 * 2**attempt)
        request = urllib.request.Request(  # noqa: S310 - checked above
            url, body, {"Content-Type": "application/json", "User-Agent": "plait", **headers}
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            problem = f"answered {error.code} {error.read(200).decode(errors='replace').strip()}".strip()
            if error.code < 500 and error.code not in (408, 429):
                break
        except (urllib.error.URLError, TimeoutError, OSError) as error:
            problem = f"cannot be reached: {getattr(error, 'reason', error)}"
    raise HookError(f"{name} {problem}", hint="check url: of the alerter in the stack")


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return (
        f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
    )
