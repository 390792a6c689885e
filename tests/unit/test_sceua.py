"""SCE-UA: against the algorithm written plainly, against spotpy, and by its properties."""

import contextlib
import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import spotpy
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from parlearn.calibrate import objective as objective_module
from parlearn.calibrate.objective import TrainingError, split_observed, spread
from parlearn.calibrate.sceua import SCEUA, Settings, draw_parents
from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.parameter import Parameter
from parlearn.models.vic.model import VIC

FIXTURE = Path(__file__).parents[1] / "data" / "vic5-synthetic"


def rosenbrock(x):
    return (100 * (x[..., 1:] - x[..., :-1] ** 2) ** 2 + (1 - x[..., :-1]) ** 2).sum(-1)


def ackley(x):
    spread_, waves = np.sqrt((x**2).mean(-1)), np.cos(2 * np.pi * x).mean(-1)
    return 20 + np.e - 20 * np.exp(-0.2 * spread_) - np.exp(waves)


def griewank(x):
    root = np.sqrt(np.arange(1, x.shape[-1] + 1))
    return 1 + (x**2).sum(-1) / 4000 - np.cos(x / root).prod(-1)


def goldstein_price(x):
    a, b = x[..., 0], x[..., 1]
    first = 19 - 14 * a + 3 * a**2 - 14 * b + 6 * a * b + 3 * b**2
    second = 18 - 32 * a + 12 * a**2 + 48 * b - 36 * a * b + 27 * b**2
    return (1 + (a + b + 1) ** 2 * first) * (30 + (2 * a - 3 * b) ** 2 * second)


class Counted:
    """An objective over the unit cube that counts what it is asked, by cell, and watches bounds.

    ``shift`` moves the optimum from cell to cell.
    """

    def __init__(self, function, lower, upper, shift=0.0):
        self.function, self.lower, self.upper, self.shift = function, lower, upper, shift
        self.runs = {}

    def __call__(self, cells, unit):
        assert unit.min() >= 0
        assert unit.max() <= 1
        for cell in cells.tolist():
            self.runs[cell] = self.runs.get(cell, 0) + unit.shape[1]
        x = unit.numpy() * (self.upper - self.lower) + self.lower
        return torch.from_numpy(self.function(x - self.shift * (cells.numpy() % 5)[:, None, None]))


# --- the algorithm itself ---------------------------------------------------------------------


def plain_sceua(function, n, cell, options, start=None):
    """Duan et al. (1992) for one cell, point by point, on the random numbers of the same stream.

    With ``start`` that point replaces the first of the initial population.
    """
    m, q, p = 2 * n + 1, n + 1, options.complexes

    def stream(loop):
        key, counter = [options.seed, cell], [0, 0, 0, loop]
        return np.random.Generator(np.random.Philox(key=key, counter=counter))

    runs = 0

    def evaluate(x):
        nonlocal runs
        if runs == options.max_evaluations:
            return None
        runs += 1
        return float(function(torch.tensor([cell]), torch.from_numpy(x)[None, None]))

    points = stream(0).random((p * m, n))
    if start is not None:
        points[0] = start
    population = sorted(((evaluate(x), x) for x in points), key=lambda pair: pair[0])
    best, loop = [population[0][0]], 0
    while True:
        values = np.array([x for _, x in population])
        widths = values.max(0) - values.min(0)
        if runs == options.max_evaluations:
            return population, runs, best, "max_evaluations"
        if loop >= options.kstop:
            recent = best[-options.kstop :]
            if best[-options.kstop - 1] - best[-1] <= options.pcento * np.mean(recent):
                return population, runs, best, "criterion_change"
        if np.exp(np.log(widths).mean()) < options.peps:
            return population, runs, best, "parameter_range"
        loop += 1
        complexes = [population[k::p] for k in range(p)]
        draws = stream(loop).random((m, p, m + 2 * n))
        for step in range(m):
            # The budget is spent in the order of an evolution step: reflections of all complexes,
            # then contractions, then random points.
            plans = []
            for k, complex_ in enumerate(complexes):
                race = -np.log1p(-draws[step, k, :m]) / np.arange(m, 0, -1)
                parents = sorted(np.argsort(race)[:q])
                centroid = sum(complex_[j][1] for j in parents[:-1]) / (q - 1)
                cloud = np.array([x for _, x in complex_])
                low, width = cloud.min(0), np.ptp(cloud, axis=0)
                worst_value, worst = complex_[parents[-1]]
                reflected = 2 * centroid - worst
                if (reflected < 0).any() or (reflected > 1).any():
                    reflected = low + width * draws[step, k, m : m + n]
                random = low + width * draws[step, k, m + n :]
                plans.append([parents[-1], worst_value, reflected, (centroid + worst) / 2, random])
            waiting = list(range(p))
            for stage in (2, 3, 4):
                left = []
                for k in waiting:
                    place, worst_value, point = *plans[k][:2], plans[k][stage]
                    value = evaluate(point)
                    if value is not None and (value < worst_value or stage == 4):
                        complexes[k][place] = (value, point)
                    elif value is not None:
                        left.append(k)
                waiting = left
            complexes = [sorted(c, key=lambda pair: pair[0]) for c in complexes]
        population = [complexes[k][j] for k in range(p) for j in range(m)]
        population.sort(key=lambda pair: pair[0])
        best.append(population[0][0])


@pytest.mark.parametrize(
    ("n", "options"),
    [
        (2, Settings(2000, complexes=3, peps=1e-3, seed=5)),
        (3, Settings(401, complexes=2, seed=1)),
        (1, Settings(500, complexes=2, kstop=3, pcento=0.05, peps=0)),
    ],
)
def test_is_the_algorithm_of_the_paper(n, options):
    function = Counted(lambda x: (x**2).sum(-1) + ackley(x), -4.0, 5.0, shift=1.1)
    cells = [8, 3, 40]
    found = SCEUA(function, cells, n, options).run()
    for k, cell in enumerate(cells):
        population, runs, best, reason = plain_sceua(function, n, cell, options)
        assert (found.evaluations[k], found.reason[k]) == (runs, reason)
        np.testing.assert_allclose(found.trajectory_value[: len(best), k], best, rtol=1e-12)
        np.testing.assert_allclose(found.best[k], population[0][1], rtol=1e-12)


def test_a_start_is_the_first_point_of_the_population():
    """All later rows are those of the plain algorithm with that point; it is one run, no more."""
    function = Counted(lambda x: (x**2).sum(-1) + ackley(x), -4.0, 5.0, shift=1.1)
    cells, options = [8, 3], Settings(401, complexes=2, seed=1)
    start = torch.tensor([[0.4, 0.5, 0.6], [0.0, 1.0, 0.3]], dtype=torch.float64)
    found = SCEUA(function, cells, 3, options, start=start).run()
    within = [1, 2, 4, 8, 14]
    assert found.trajectory_evaluations[:5].T.tolist() == [within, within]
    np.testing.assert_array_equal(found.trajectory_best[0], start)
    assert (np.diff(found.trajectory_value, axis=0) <= 0).all()
    assert (np.diff(found.trajectory_seconds) >= 0).all()
    for k, cell in enumerate(cells):
        population, runs, best, reason = plain_sceua(function, 3, cell, options, start[k].numpy())
        assert (found.evaluations[k], found.reason[k]) == (runs, reason)
        after = found.trajectory_value[4 : 4 + len(best), k]
        np.testing.assert_allclose(after, best, rtol=1e-12)
        np.testing.assert_allclose(found.best[k], population[0][1], rtol=1e-12)
        points = np.random.Generator(
            np.random.Philox(key=[options.seed, cell], counter=[0, 0, 0, 0])
        ).random((14, 3))
        points[0] = start[k]
        values = function(torch.tensor([cell]), torch.from_numpy(points)[None])[0]
        for row, number in enumerate(within):
            assert found.trajectory_value[row, k] == values[:number].min()


def test_a_start_must_fit_and_work():
    function = Counted(ackley, 0.0, 1.0)
    for start in (torch.zeros(2, 2), torch.full((1, 2), 1.1)):
        with pytest.raises(ValueError, match="2 numbers from 0 to 1 for each of 1 cells"):
            SCEUA(function, [0], 2, Settings(100, 3), start=start)

    def broken(cells, unit):
        return torch.where(unit[..., 0] == 0, torch.nan, unit.sum(-1))

    with pytest.raises(ValueError, match=r"at the start of 1 cells \(ids \[7\]\)"):
        SCEUA(broken, [3, 7], 2, Settings(100, 3), start=torch.tensor([[0.5, 0], [0, 0]])).run()


def test_parents_have_triangular_probability():
    m, q, number = 5, 2, 200_000
    uniform = torch.rand(number, m, dtype=torch.float64, generator=torch.manual_seed(0))
    parents = draw_parents(uniform, q)
    assert (parents[:, 0] < parents[:, 1]).all()
    weights = np.arange(m, 0, -1) / 15
    for a in range(m):
        for b in range(a + 1, m):
            expected = weights[a] * weights[b] * (1 / (1 - weights[a]) + 1 / (1 - weights[b]))
            share = ((parents[:, 0] == a) & (parents[:, 1] == b)).double().mean()
            assert share == pytest.approx(expected, abs=5 * np.sqrt(expected / number))


# --- against spotpy ---------------------------------------------------------------------------


class SpotpySetup:
    def __init__(self, function, n, lower, upper):
        self.function, self.runs, self.best = function, 0, np.inf
        self.range = [spotpy.parameter.Uniform(f"x{k}", lower, upper) for k in range(n)]

    def parameters(self):
        return spotpy.parameter.generate(self.range)

    def simulation(self, vector):
        self.runs += 1
        value = float(self.function(np.array(list(vector))))
        self.best = min(self.best, value)
        return [value]

    def evaluation(self):
        return [0.0]

    def objectivefunction(self, simulation, evaluation):
        return simulation[0]


def search_with_spotpy(function, n, lower, upper, options):
    """Runs actually made and the best value; spotpy's own budget counts most of them twice."""
    setup = SpotpySetup(function, n, lower, upper)
    with contextlib.redirect_stdout(io.StringIO()):
        sampler = spotpy.algorithms.sceua(
            setup, dbname="none", dbformat="ram", random_state=options.seed
        )
        sampler.sample(
            10 * options.max_evaluations,
            ngs=options.complexes,
            kstop=options.kstop,
            pcento=100 * options.pcento,
            peps=options.peps,
        )
    return setup.runs, setup.best


@pytest.mark.parametrize(
    ("function", "n", "lower", "upper", "complexes", "optimum", "close"),
    [
        (rosenbrock, 2, -5.0, 5.0, 4, 0.0, 1e-4),
        (rosenbrock, 4, -2.0, 2.0, 4, 0.0, 1e-4),
        (ackley, 3, -30.0, 20.0, 5, 0.0, 0.02),
        (griewank, 2, -60.0, 70.0, 12, 0.0, 0.03),
        (goldstein_price, 2, -2.0, 2.0, 4, 3.0, 1e-3),
    ],
)
def test_same_optimum_as_spotpy_for_as_many_runs(
    function, n, lower, upper, complexes, optimum, close
):
    options = Settings(20_000, complexes=complexes)
    theirs = [
        search_with_spotpy(function, n, lower, upper, Settings(20_000, complexes, seed=seed))
        for seed in range(1, 6)
    ]
    ours = SCEUA(Counted(function, lower, upper), range(40), n, options).run()
    # both find the optimum in most searches, and within a factor of two in the number of runs
    assert np.median([best for _, best in theirs]) <= optimum + close
    assert np.mean(ours.value <= optimum + close) >= 0.9
    ratio = np.median(ours.evaluations) / np.median([runs for runs, _ in theirs])
    assert 0.5 <= ratio <= 2


# --- properties -------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 5),
    complexes=st.integers(1, 4),
    extra=st.integers(0, 300),
    seed=st.integers(0, 2**40),
)
def test_counts_bounds_and_best(n, complexes, extra, seed):
    function = Counted(lambda x: np.abs(x).sum(-1), -0.2, 1.0, shift=0.3)
    options = Settings(complexes * (2 * n + 1) + extra, complexes, seed=seed)
    found = SCEUA(function, [0, 7, 3], n, options).run()
    assert [function.runs[cell] for cell in (0, 7, 3)] == found.evaluations.tolist()
    assert (found.evaluations <= options.max_evaluations).all()
    assert (np.diff(found.trajectory_value, axis=0) <= 0).all()
    assert (np.diff(found.trajectory_seconds) >= 0).all()
    at_best = function(torch.tensor([0, 7, 3]), torch.from_numpy(found.best)[:, None])[:, 0]
    np.testing.assert_array_equal(at_best, found.value)
    np.testing.assert_array_equal(found.trajectory_value.min(axis=0), found.value)
    assert found.failed.sum() == 0
    assert len(found.trajectory_value) == found.loops.max() + 1
    assert found.epochs[-1] == pytest.approx(found.evaluations.mean())


def test_a_cell_does_not_depend_on_the_others():
    def search(cells):
        function = Counted(lambda x: rosenbrock(x) + ackley(x), -2.0, 2.0, shift=0.2)
        return SCEUA(function, cells, 3, Settings(900, 4, kstop=4, pcento=0.01, seed=3)).run()

    together = search(list(range(37)))
    assert len(set(together.loops.tolist())) > 1  # they do not all stop at once
    for cells in ([11], [30, 2, 11]):
        apart = search(cells)
        for name in ("best", "value", "evaluations", "loops"):
            np.testing.assert_array_equal(getattr(apart, name), getattr(together, name)[cells])
        assert apart.reason == [together.reason[cell] for cell in cells]
    assert not np.allclose(together.best[0], together.best[5])  # same function, other stream


def test_every_stop_reason_is_met_and_told():
    def search(function, options):
        return SCEUA(Counted(function, -1.0, 2.0), [1], 2, options).run().reason[0]

    assert search(rosenbrock, Settings(100, 3)) == "max_evaluations"
    assert search(rosenbrock, Settings(5000, 3, kstop=10**6)) == "parameter_range"
    flat = Settings(5000, 3, kstop=2, peps=0)
    assert search(lambda x: np.ones(x.shape[:-1]), flat) == "criterion_change"


def test_failed_runs_are_counted_and_survived():
    def holes(x):
        return np.where(x[..., 0] > 0.5, np.nan, ((x - 0.3) ** 2).sum(-1))

    found = SCEUA(Counted(holes, 0.0, 1.0), range(5), 2, Settings(1500, 3)).run()
    assert (found.failed > 0).all()
    assert (found.failed < found.evaluations).all()
    assert (found.value < 1e-5).all()


def test_a_cell_where_nothing_works_is_named():
    def broken(cells, unit):
        return torch.where(cells[:, None] == 4, torch.nan, unit.sum(-1))

    with pytest.raises(ValueError, match=r"1 cells \(ids \[4\]\)"):
        SCEUA(broken, [2, 4], 2, Settings(100, 3)).run()


@pytest.mark.parametrize(
    ("cells", "options", "message"),
    [
        ([0], {"max_evaluations": 20}, "35 runs of the initial population"),
        ([0, 0], {"max_evaluations": 100}, "different from each other"),
        ([], {"max_evaluations": 100}, "0 cells"),
        ([0], {"max_evaluations": 100, "complexes": 0}, "1 or more"),
        ([0], {"max_evaluations": 100, "peps": -1}, "negative"),
    ],
)
def test_bad_settings(cells, options, message):
    with pytest.raises(ValueError, match=message):
        SCEUA(Counted(ackley, 0.0, 1.0), cells, 2, Settings(**options))


def test_objective_of_a_wrong_shape():
    with pytest.raises(ValueError, match="was due"):
        SCEUA(lambda cells, unit: unit[..., 0, 0], [0], 2, Settings(100, 3)).run()


# --- resuming ---------------------------------------------------------------------------------


class Killed(Exception):
    pass


def test_a_killed_search_ends_as_an_undisturbed_one(tmp_path):
    options = Settings(700, 3, seed=2)

    start = torch.full((4, 3), 0.5)

    def search(path=None, die_after=None):
        function = Counted(rosenbrock, -2.0, 2.0, shift=0.1)

        def fragile(cells, unit):
            if die_after and sum(function.runs.values()) > die_after:
                raise Killed
            return function(cells, unit)

        return SCEUA(fragile, range(4), 3, options, start=start).run(path)

    undisturbed, path = search(), tmp_path / "state" / "search.npz"
    for die_after in (100, 900, 1500):
        with pytest.raises(Killed):
            search(path, die_after)
        assert [file.name for file in path.parent.iterdir()] == ["search.npz"]
    resumed = search(path)
    for name in ("best", "value", "evaluations", "failed", "loops", "reason"):
        np.testing.assert_array_equal(getattr(resumed, name), getattr(undisturbed, name))
    for name in ("best", "value", "evaluations"):
        name = f"trajectory_{name}"
        np.testing.assert_array_equal(getattr(resumed, name), getattr(undisturbed, name))
    assert (np.diff(resumed.trajectory_seconds) > 0).all()
    assert search(path).evaluations.tolist() == undisturbed.evaluations.tolist()  # nothing left


OPTIONS = Settings(200, 3)


def search_of(function=rosenbrock, cells=(0, 1), n=2, options=OPTIONS, path=None):
    return SCEUA(Counted(function, -2.0, 2.0), cells, n, options).run(path)


def turned(path):
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path):
    path.write_bytes(b"")


def one_number_less(path):
    with np.load(path) as state:
        np.savez(path, **dict(state) | {"population": state["population"] * 0.5})


def of_other_cells(path):
    search_of(cells=(0, 2), path=path)


def of_other_parameters(path):
    search_of(n=3, path=path)


def of_other_settings(path):
    search_of(options=Settings(201, 3), path=path)


def of_another_model(path):
    search_of(ackley, path=path)


OTHERS = (
    (turned, cut, emptied, one_number_less)
    + (of_other_cells, of_other_parameters, of_other_settings, of_another_model)
)  # fmt: skip


@pytest.mark.parametrize("damage", OTHERS, ids=lambda damage: damage.__name__)
def test_a_state_that_is_not_this_searchs_is_set_aside(tmp_path, caplog, damage):
    path, other = tmp_path / "search.npz", tmp_path / "other.npz"
    undisturbed = search_of(path=path)
    if damage.__name__.startswith("of_"):
        damage(other)
        other.replace(path)
    else:
        damage(path)
    found = path.read_bytes()
    with caplog.at_level("WARNING"):
        again = search_of(path=path)
    assert f"{path} cannot be gone on from" in caplog.text
    assert path.with_name("search.npz.unusable").read_bytes() == found
    np.testing.assert_array_equal(again.best, undisturbed.best)
    np.testing.assert_array_equal(again.evaluations, undisturbed.evaluations)


def test_a_state_in_memory_of_another_search_is_refused():
    first = SCEUA(Counted(rosenbrock, -2.0, 2.0), [0, 1], 2, OPTIONS)
    first.advance()
    second = SCEUA(Counted(rosenbrock, -2.0, 2.0), [0, 2], 2, OPTIONS)
    with pytest.raises(ValueError, match="other cells, parameters or settings"):
        second.load_state(first.state())


# --- bound to a model and its training observations -------------------------------------------


class Bucket(ProcessModel):
    """soil_moisture = base + range * wave(cell, day), a stand-in with a known answer."""

    space = ParameterSpace(
        (Parameter("base", "1", 0.0, 0.4), Parameter("range", "1", 0.01, 1.0, "log"))
    )
    outputs = ("evapotranspiration", "soil_moisture")
    warmup = 0

    def __init__(self, n_cells, n_days):
        self.n_cells, self.n_days, self.calls = n_cells, n_days, []
        self.wave = torch.rand(n_cells, n_days, generator=torch.manual_seed(1))

    def simulate(self, parameters, cells=None, days=None):
        self.space.check(parameters)
        self.calls.append((tuple(parameters.shape), days))
        moisture = parameters[..., :1] + parameters[..., 1:] * self.wave[cells][:, days]
        return torch.stack([10 * moisture, moisture], dim=-1)


def study_of(model, truth, training=slice(3, 40), targets=("soil_moisture",)):
    every = torch.arange(model.n_cells)
    whole = model.simulate(truth, every, slice(0, model.n_days))
    paired = whole[..., 1].clone()
    paired[:, 1:] = (whole[:, 1:, 1] + whole[:, :-1, 1]) / 2
    series = {"soil_moisture": paired, "evapotranspiration": whole[..., 0]}
    observed = torch.stack([series[t] for t in targets], -1)
    observed[:, ::3] = torch.nan
    outside = torch.ones(model.n_days, dtype=bool)
    outside[training] = False
    observed[:, outside] = torch.nan
    study = SimpleNamespace(
        n_cells=model.n_cells,
        n_days=model.n_days,
        observations=observed,
        training=training,
        targets=targets,
        device=torch.device("cpu"),
        cells=lambda role: every,
        lengths_of=lambda target, days: None,
    )
    study.observed = lambda cells, days: study.observations[cells, days]
    return study


def test_training_error_by_hand():
    model = Bucket(3, 50)
    truth = torch.tensor([[0.1, 0.2], [0.2, 0.1], [0.3, 0.05]])
    study = study_of(model, truth)
    error = TrainingError(model, study, torch.tensor([0, 2]), slope=0.5, offset=0.1)
    unit = torch.rand(2, 4, 2, dtype=torch.float64)
    given_errors = error(torch.tensor([2, 0]), unit)
    assert given_errors.dtype == torch.float64
    assert model.calls[-1][1] == slice(2, 40)
    for row, cell in enumerate((2, 0)):
        for k in range(4):
            base, range_ = model.space.to_physical(unit[row, k].float()).tolist()
            moisture = base + range_ * model.wave[cell].numpy()
            squares = []
            for day in range(3, 40):
                seen = study.observations[cell, day, 0].item()
                if np.isfinite(seen):
                    paired = (moisture[day - 1] + moisture[day]) / 2
                    squares.append((0.5 * paired + 0.1 - seen) ** 2)
            assert given_errors[row, k] == pytest.approx(np.sqrt(np.mean(squares)), rel=1e-4)


def test_training_error_of_two_targets_and_in_pieces(monkeypatch):
    model = Bucket(4, 30)
    study = study_of(
        model, torch.full((4, 2), 0.2), slice(1, 30), ("soil_moisture", "evapotranspiration")
    )
    every, unit = torch.arange(4), torch.rand(4, 3, 2)
    weights = {"soil_moisture": 3.0, "evapotranspiration": 1.0}
    both = TrainingError(model, study, every, weights=weights)
    whole = both(every, unit)
    # each error is divided by the standard deviation of what training cells show
    spread_ = [
        seen[seen.isfinite()].double().std(correction=0) for seen in study.observations.unbind(-1)
    ]
    observations, expected = study.observations, 0.0
    for k, (target, share) in enumerate((("soil_moisture", 0.75), ("evapotranspiration", 0.25))):
        study.targets, study.observations = (target,), observations[..., k : k + 1]
        expected = expected + share * TrainingError(model, study, every)(every, unit) / spread_[k]
    torch.testing.assert_close(whole, expected, rtol=1e-5, atol=0)
    monkeypatch.setattr(objective_module, "LARGEST_CALL", 3 * 30 * 2 + 1)
    torch.testing.assert_close(both(every, unit), whole)
    assert model.calls[-1][0] == (3, 1, 2)


def test_sceua_recovers_the_parameters_of_every_cell():
    model = Bucket(5, 60)
    truth = torch.stack([torch.linspace(0.05, 0.35, 5), torch.logspace(-1.5, -0.1, 5)], -1)
    study = study_of(model, truth)
    cells = torch.tensor([4, 0, 3])
    found = SCEUA(
        TrainingError(model, study, cells), cells, 2, Settings(1500, 3, peps=1e-4, pcento=1e-6)
    ).run()
    recovered = model.space.to_physical(torch.from_numpy(found.best).float())
    torch.testing.assert_close(recovered, truth[cells], rtol=2e-2, atol=1e-3)


def test_cells_without_observations():
    model = Bucket(3, 50)
    study = study_of(model, torch.full((3, 2), 0.2))
    study.observations[1] = torch.nan
    study.observations[1, 4] = 0.3
    seen, blind = split_observed(study, torch.arange(3))
    assert (seen.tolist(), blind.tolist()) == ([0, 2], [1])
    with pytest.raises(ValueError, match=r"1 cells have fewer than two .* \(indices \[1\]\)"):
        TrainingError(model, study, torch.arange(3))


def test_objective_and_model_must_fit():
    model = Bucket(3, 50)
    study = study_of(model, torch.full((3, 2), 0.2))
    with pytest.raises(ValueError, match="49 days, the study 3 and 50"):
        TrainingError(Bucket(3, 49), study, torch.arange(3))
    with pytest.raises(ValueError, match="weights"):
        TrainingError(model, study, torch.arange(3), weights={"runoff": 1.0})
    model.outputs = ("runoff", "baseflow")
    with pytest.raises(ValueError, match="no output 'soil_moisture'"):
        TrainingError(model, study, torch.arange(3))


def test_spread_to_cells_not_calibrated():
    values = np.arange(8.0).reshape(2, 2, 2)  # (loop, calibrated cell, parameter)
    calibrated, donor = np.array([1, 3]), np.array([1, 1, 3, 3, 1])
    everywhere = spread(values, calibrated, donor)
    np.testing.assert_array_equal(everywhere, values[:, [0, 0, 1, 1, 0]])
    with pytest.raises(ValueError, match="cell 2 was not calibrated and neither was its donor"):
        spread(values, calibrated, np.array([1, 1, 0, 3, 1]))


# --- on VIC -----------------------------------------------------------------------------------


def test_vic_cells_end_where_spotpy_ends():
    """Gappy, noisy moisture of known parameters at cells of the synthetic VIC fixture."""
    inputs = xr.load_dataset(FIXTURE / "inputs.nc").isel(time=slice(365, 545))
    model = VIC(inputs, inputs, outputs=("soil_moisture",), warmup=60, threads=1)
    if not model.fused:
        pytest.skip("VIC's compiled time loop needs a C++ compiler; without it this takes minutes")
    names = inputs["par_name"].values.astype(str).tolist()
    truth = inputs["params"].isel(set=2).values[:, [names.index(n) for n in model.space.names]]
    training, random = slice(60, 180), torch.manual_seed(0)
    observed = torch.full((8, 180, 1), torch.nan)
    with torch.no_grad():
        simulated = model.simulate(torch.from_numpy(truth).float(), None, slice(59, 180))
    noise = 0.02 * torch.randn(8, 120, 1, generator=random)
    observed[:, training] = (simulated[:, 1:] + simulated[:, :-1]) / 2 + noise
    observed[torch.rand(8, 180, 1, generator=random) < 0.5] = torch.nan
    study = SimpleNamespace(
        n_cells=8,
        n_days=180,
        observations=observed,
        training=training,
        targets=("soil_moisture",),
        device=torch.device("cpu"),
        cells=lambda *roles: torch.arange(8),
        observed=lambda cells, days: observed[cells, days],
        lengths_of=lambda target, days: None,
    )
    cells = torch.tensor([1, 5])
    error = TrainingError(model, study, cells)
    options = Settings(3000, complexes=2, peps=1e-2, seed=1)
    ours = SCEUA(error, cells, 5, options).run()
    at_truth = error(cells, model.space.to_unit(torch.from_numpy(truth).float())[cells][:, None])
    assert (ours.value <= at_truth[:, 0].numpy()).all()

    def at_last_cell(x):
        return error(cells[1:], torch.from_numpy(x)[None, None]).item()

    runs, best = search_with_spotpy(at_last_cell, 5, 0.0, 1.0, options)
    assert ours.value[1] == pytest.approx(best, rel=5e-3)
    assert 0.5 <= ours.evaluations[1] / runs <= 2
