"""Tasks, runs and jobs: making them, what follows from the end of a task, and the events that tell of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.emulator.records import (
    CANCELLED,
    FAILED,
    PROCESSING,
    SUCCEEDED,
    WAITING,
    Event,
    Job,
    Run,
    Task,
    new_id,
)
from airflow_provider_ittybit.emulator.store import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ittybit.emulator.service import Service


@dataclass(frozen=True, slots=True)
class Step:
    """One task of a run that is to be made: its fields, and what follows it."""

    fields: dict[str, Any]
    following: Sequence[Step] = ()


def add_task(service: Service, *, start: bool = True, **fields: Any) -> Task:
    """Make a task, and have it done after its parent or its input file if those are not finished.

    :param start: False for one of several tasks that are all made before the first may begin.
    """
    task = service.store.add(Task(id=new_id("task"), created_by=service.owner.key_id, **fields))
    announce(service, task, "created")
    if start:
        service.enqueue(task)
    return task


def add_run(service: Service, tree: Sequence[Step], **fields: Any) -> Run:
    """Make a run: the steps of the first level begin together, each of the others after its parent."""
    run = service.store.add(Run(id=new_id("run"), created_by=service.owner.key_id, **fields))
    announce(service, run, "created")
    for task in [_add_branch(service, step, run, None) for step in tree]:
        service.enqueue(task)
    return run


def _add_branch(service: Service, step: Step, run: Run, parent: Task | None) -> Task:
    parent_id = parent.id if parent else None
    task = add_task(service, start=False, run_id=run.id, parent_id=parent_id, doomed=run.doomed, **step.fields)
    for following in step.following:
        _add_branch(service, following, run, task)
    return task


def add_job(service: Service, **fields: Any) -> Job:
    """Make a job and its pipeline: probe, import, encode, export."""
    job = service.store.add(Job(id=new_id("job"), **fields))
    steps: tuple[dict[str, Any], ...] = (
        {"kind": "probe", "url": job.input, "doomed": job.doomed},
        {"kind": "import", "url": job.input},
        {"kind": job.kind, "options": job.options},
        {"kind": "export", "destination": job.destination},
    )
    made: list[Task] = []
    for step in steps:
        parent_id = made[-1].id if made else None
        made.append(add_task(service, start=False, job_id=job.id, parent_id=parent_id, **step))
    service.enqueue(made[0])
    return job


def tasks_of(service: Service, owner: Run | Job) -> list[Task]:
    """Return the tasks of a run or a job, in the order in which they were made."""
    name = "run_id" if isinstance(owner, Run) else "job_id"
    return service.store.select(Task, Query({name: owner.id}, descending=False))


def begin(service: Service, task: Task) -> None:
    """Note that a task is worked on."""
    task = service.store.change(task, status=PROCESSING, started=time.time())
    announce(service, task, "updated")
    for owner in _owners(service, task):
        if not owner.is_finished and owner.started is None:
            announce(service, service.store.change(owner, status=PROCESSING, started=task.started), "updated")


def end(service: Service, task: Task) -> None:
    """Do what follows from the end of a task: its children begin or are cancelled, its owner may be finished."""
    task = service.store.find(Task, task.id) or task
    announce(service, task, task.status)
    for child in service.store.select(Task, Query({"parent_id": task.id}, descending=False)):
        if task.status == SUCCEEDED:
            service.enqueue(child)
        elif not child.is_finished:
            reason = f"The task {task.id} before it {'failed' if task.status == FAILED else 'was cancelled'}."
            end(service, service.store.change(child, status=CANCELLED, error=reason, finished=time.time()))
    for owner in _owners(service, task):
        _roll_up(service, owner)


def finish_all(service: Service) -> None:
    """Finish the runs and jobs whose tasks are all finished: an earlier process may have ended just before."""
    query = Query({"status": [WAITING, PROCESSING]})
    owners: list[Run | Job] = [*service.store.select(Run, query), *service.store.select(Job, query)]
    for owner in owners:
        _roll_up(service, owner)


def announce(service: Service, subject: Task | Run | Job, what: str) -> None:
    """Keep an event about a task or a run; there are none about jobs."""
    if isinstance(subject, (Task, Run)):
        kind = f"{'run' if isinstance(subject, Run) else 'task'}.{'updated' if what == CANCELLED else what}"
        service.store.add(Event(id=new_id("evt"), kind=kind, subject_id=subject.id))


def _owners(service: Service, task: Task) -> list[Run | Job]:
    run = service.store.find(Run, task.run_id) if task.run_id else None
    job = service.store.find(Job, task.job_id) if task.job_id else None
    return [owner for owner in (run, job) if owner is not None]


def _roll_up(service: Service, owner: Run | Job) -> None:
    tasks = tasks_of(service, owner)
    if owner.is_finished or not all(task.is_finished for task in tasks):
        return
    broken = next((task for task in tasks if task.status == FAILED), None)
    changes: dict[str, Any] = {"status": FAILED if broken else SUCCEEDED, "finished": time.time()}
    if broken:
        changes["error"] = broken.error
    elif isinstance(owner, Job):
        changes["output_file"] = next(iter(tasks[-1].outputs), None)
    announce(service, service.store.change(owner, **changes), changes["status"])
