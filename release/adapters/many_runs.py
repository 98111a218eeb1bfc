"""One command line, many times: in a few processes that stay, so that a thousand runs do not start a thousand times."""

import contextlib
import io
import multiprocessing
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ran:
    """How one run ended, and what it printed."""

    code: int
    out: str
    err: str


def run_many(
    main: Callable[[Sequence[str]], int], commands: Mapping[str, Sequence[str]], *, jobs: int
) -> Iterator[tuple[str, Ran]]:
    """Run a command line once for each name, several at a time; gives each as it ends.

    Args:
        main: the command line; it must be importable.
        commands: arguments by name.
        jobs: how many at a time; one alone runs in this very process.
    """
    if jobs == 1 or len(commands) == 1:
        for name, line in commands.items():
            yield name, _run(main, list(line))
        return
    # A new interpreter, not a copy of this one: its threads and open connections are not shared.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(commands)) or 1, mp_context=context) as pool:
        waiting: dict[Future[Ran], str] = {pool.submit(_run, main, list(line)): name for name, line in commands.items()}
        for future in as_completed(waiting):
            yield waiting[future], _result(future)


def _result(future: "Future[Ran]") -> Ran:
    try:
        return future.result()
    except Exception as why:  # noqa: BLE001 - a process that died must not stop the others' account
        return Ran(1, "", f"the process died: {type(why).__name__}")


def _run(main: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> Ran:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except Exception:  # noqa: BLE001 - one customer's defect must not hide the others' results
            traceback.print_exc(limit=-3)
            code = 1
    return Ran(code, out.getvalue(), err.getvalue())
