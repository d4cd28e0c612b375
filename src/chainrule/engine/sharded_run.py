"""Whole epochs of `fit` in the compiled engine, of examples in shards, on one rank or several.

Every rank calls the engine alike, for as many epochs; within, at each step, their sums meet at the
engine's seam. Nothing depends on time, so that no rank does what another does not.
"""

from __future__ import annotations

import itertools
import math
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule import engine
from chainrule.batches import Examples, Subset, in_shards, steps_of_epoch
from chainrule.dealt_examples import ExamplesInShards, SubsetInShards
from chainrule.distributed import HeldSignals, agreed, share_of_cores, total_of_shards
from chainrule.engine.native_run import AS_LONG_AS_IT_TAKES, NativeRun, Over, useful_threads
from chainrule.engine.program import for_predictions
from chainrule.engine.quick_checks import LaterLook
from chainrule.engine.session import Done, Session, Shards, contiguous
from chainrule.history import DivergenceError, History
from chainrule.network import divisor
from chainrule.record import Plan
from chainrule.reference import measured
from chainrule.sparse_rows import dense, is_sparse

if TYPE_CHECKING:
    from chainrule.distributed.ranks import Ranks

WORK_PER_CALL, WORK_AT_RISK = 1e11, 1e9
"""Operations of all ranks in a call of the engine, at most, of more than one epoch."""

SHOWN = 1_000_000
"""Up to how many numbers a batch that fails is looked into."""


class ShardedRun(NativeRun):
    """A run of `fit` in shards, whose parameters live in the engine between its calls."""

    plan: Plan
    given: ExamplesInShards
    ranks: Ranks

    held: HeldSignals | None = None

    def __init__(
        self,
        plan: Plan,
        history: History,
        given: ExamplesInShards,
        batch_size: int | None,
        shuffle: bool,
        threads: int | None,
        *,
        reproducible: bool = True,
    ) -> None:
        self.plan, self.given, self.ranks = plan, given, given.ranks
        self.look: LaterLook = LaterLook()
        self.shards: int = given.shards
        here = given.training.here
        self.data: Subset = Subset(contiguous(here.data), here.rows, here.without)
        self.held_out = None
        if given.held_out is not None:
            self.held_out = self._lying_as(given.held_out.here, here)
        self.steps: int = steps_of_epoch(given.training.n, batch_size)
        self.shuffles: bool = shuffle and self.steps > 1
        held = self.ranks.nodes(self.shards)
        self.first: int = held[0][0] if held else 0
        most = sum(min(len(own), len(own) // self.steps + 1) for own in given.training.by_shard)
        self.batch: int = max(1, most)
        self.session: Session = Session(
            plan,
            history.at.params,
            history.at.states,
            batch=self.batch,
            threads=useful_threads(plan.net, self.batch, threads or self._cores(), here.n),
            keeps_gradient=self.ranks.size > 1,
            shards=Shards(given.sizes, held, self.steps),
            sparse=is_sparse(self.data.data.X),
        )
        if self.ranks.size > 1:
            way = ShardedRun._add_up if reproducible else ShardedRun._add_up_in_any_order
            rows = max(1, len(held))
            this = weakref.proxy(self)  # nobody sees a cycle through the engine, which keeps it
            self.session.between(lambda sums: way(this, sums.reshape(rows, -1)))
            self.signals = self.held = HeldSignals(self.session.stop)

    def _add_up(self, sums: NDArray[Any]) -> None:
        self.ranks.add_up(sums, self.shards)

    def _add_up_in_any_order(self, sums: NDArray[Any]) -> None:
        if not self.ranks.nodes(self.shards):
            sums[:] = 0
        for more in sums[1:]:
            sums[0] += more
        self.ranks.reduce(sums[0])

    def _cores(self) -> int:
        """How many of the cores that this process may use other ranks leave to it."""
        return max(1, int(engine.cores() * share_of_cores(self.ranks)))

    def conclude(self) -> None:
        if self.held and any(self.ranks.values(self.held.raised is not None)):
            raise self._interruption()

    def _interruption(self, raised: BaseException | None = None) -> BaseException:
        """What ends the run of all ranks alike: where nothing was raised, the Ctrl-C of another."""
        held = self.held.raised if self.held else None
        return agreed(raised or held or KeyboardInterrupt(), self.ranks)

    def run_epochs(self, epochs: int, history: History, over: Over | None = None) -> None:
        """Make epochs as any run does; what ends it does so at the same step on all ranks."""
        try:
            super().run_epochs(epochs, history, over)
        except DivergenceError as error:
            agreed(error, self.ranks)
            raise

    def _at_once(self, epochs: int, over: Over | None) -> int:
        work = for_predictions(self.plan.net).work * self.given.training.n
        most = (WORK_PER_CALL if over is None else WORK_AT_RISK) / (1 + work)
        return min(super()._at_once(epochs, over), max(1, int(most)))

    def _made(self, data: Examples, **asked: Any) -> Done:
        done = super()._made(data, **{**asked, "seconds": AS_LONG_AS_IT_TAKES})
        if done.outcome == "interrupted":
            done = done._replace(raised=self._interruption(done.raised))
        held = len(self.ranks.nodes(self.shards))
        sums = np.array(done.losses).reshape(len(done.costs), held).T
        losses = self.ranks.merge(np.ascontiguousarray(sums), self.shards)
        n = self.given.training.n
        whole = divisor(self.plan.net, n * self.plan.mean_weight)
        return done._replace(costs=[float(c) for c in done.costs + losses / whole])

    def validate(self, history: History) -> None:
        """Enter the cost of the validation data of all ranks; each has those of its shards."""
        held_out = self.given.held_out
        assert held_out is not None
        assert self.held_out is not None
        data, own = self.held_out.data, held_out.by_shard
        losses = [self.session.losses(data, rows) if len(rows) else 0.0 for rows in own]
        total = total_of_shards(self.ranks, self.shards, losses)
        cost = total / divisor(self.plan.net, held_out.weight) + self.session.trainer.penalty()
        history.enter_validation(float(cost))
        if not math.isfinite(cost):
            raise FloatingPointError(self._not_finite(held_out, history))

    def _not_finite(self, part: SubsetInShards, history: History) -> str:
        """What the core finds not finite in a part, by the first rank that finds something."""
        data = part.here.whole()
        own = measured(self.plan.net, history.at.params, data)[1] if data.n else ""
        return next(filter(None, self.ranks.values(own)), "the loss is not finite")

    def _batch(self, began: int, steps: int) -> Examples | None:
        """Return a batch, whole at every rank; None where it is too large for that."""
        epoch, step = divmod(steps, self.steps)
        taken = in_shards(
            self.given.training.by_shard,
            self.first,
            self.shards,
            self.steps,
            self.plan.seed,
            began + epoch + 1,
            shuffle=self.shuffles,
        )
        own = self.data.data.take(next(itertools.islice(taken, step, None)))
        if sum(self.ranks.values(math.prod(own.X.shape))) > SHOWN:
            return None
        own = own._replace(X=dense(own.X))
        return Examples(*(part if part is None else self._of_all(part) for part in own))

    def _of_all(self, own: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate(self.ranks.deal([own] * self.ranks.size))
