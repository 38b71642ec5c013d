"""What all tasks share: retries with growing, jittered pauses, interruption, progress; and how a flow awaits a task."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture

from automation_scripts.errors import AccessDenied
from automation_scripts.execution.lifecycle import current

P = ParamSpec("P")
R = TypeVar("R")
PAUSES_S = [0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
MOST_RETRIES = 20


class Sealed(Generic[R]):
    """A task's result as Prefect sees it: one thing.

    Prefect looks for futures inside whatever is passed from task to task: lists, dataclasses, models. For a tree of a
    hundred thousand nodes that costs more than the work itself. Steps seal what they return and open what they get.
    """

    __slots__ = ("__weakref__", "value")

    def __init__(self, value: R) -> None:
        self.value = value


def step(
    name: str, *, changes: bool = False, tags: tuple[str, ...] = ()
) -> Callable[[Callable[..., R]], Task[..., Sealed[R]]]:
    """Make a Prefect task of one domain call. Results of other steps may be among its arguments, as futures.

    The task counts as a step of the present run: it shows progress and is stopped with the run. Failures of the
    outside world (`OSError`) are tried again as often as the script's settings say; everything else fails at once,
    because it would fail again.

    One that `changes` the world refuses to run outside a run whose plan was permitted, however it was called: AccessDenied.
    """

    def decorate(function: Callable[..., R]) -> Task[..., Sealed[R]]:
        @functools.wraps(function)
        def work(*args: Any, **kwargs: Any) -> Sealed[R]:
            args = tuple(_opened(value) for value in args)
            kwargs = {key: _opened(value) for key, value in kwargs.items()}
            run = current.get()
            if changes and (run is None or not run.may_change):
                raise AccessDenied(
                    f"The step '{name}' changes things, and no plan was permitted here. Start it as part of its script: "
                    "`automation run`, the orchestrator, or the script's flow."
                )
            if run is None:
                return Sealed(function(*args, **kwargs))
            with run.step(name):
                return Sealed(function(*args, **kwargs))

        return task(
            name=name,
            tags=set(tags),
            retries=MOST_RETRIES,
            retry_delay_seconds=PAUSES_S,
            retry_jitter_factor=0.5,
            retry_condition_fn=_worth_retrying,
            # Inputs are whole trees of configuration: hashing them for a cache key would cost more than the work.
            cache_policy=NO_CACHE,
            persist_result=False,
        )(work)

    return decorate


def progress_of(name: str) -> Callable[[int, int], None]:
    """A function `(done, total)` that tells the present run how far the step `name` is."""
    run = current.get()

    def tell(done: int, total: int) -> None:
        if run is not None:
            run.progress(name, done, total)

    return tell


async def outcome(future: PrefectFuture[Sealed[R]]) -> R:
    """A step's result, awaited without blocking the event loop, so that time limits and cancellation work meanwhile.

    Raises:
        Exception: what the step failed with.
    """
    wrapped = asyncio.wrap_future(future.wrapped_future)  # type: ignore[attr-defined]
    # Looked at whatever happens here, so that asyncio does not report it as lost.
    wrapped.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.wait([wrapped])
    return future.result().value


def _opened(value: Any) -> Any:
    if isinstance(value, Sealed):
        return value.value
    if isinstance(value, list):
        return [_opened(item) for item in value]
    return value


def _worth_retrying(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    run = current.get()
    allowed = run.settings.retries_for(run.request.script) if run else 0
    # A `Failed` state carries the exception itself until it is persisted, and these never are.
    return task_run.run_count <= allowed and isinstance(state.data, OSError)
