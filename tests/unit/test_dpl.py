"""Learning through a leaky bucket: recovery, leaks, resuming, accounting, errors."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from parlearn.calibrate.objective import TrainingError
from parlearn.learn import dpl
from parlearn.learn.apply import apply_network, load_network, save_network
from parlearn.learn.batches import days_to_read, plan_epoch, record_epochs, run_days
from parlearn.learn.parameter_networks import NETWORKS, NetworkShape, build_network
from parlearn.learn.settings import Settings
from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.parameter import Parameter
from parlearn.networks.scalers import Scaler, Scalers
from parlearn.study.roles import ROLES
from parlearn.study.tensors import FORCING, Inputs, Study

torch.set_num_threads(1)

CELLS, DAYS, TRAINING = 60, 90, slice(20, 70)
SPACE = ParameterSpace(
    (Parameter("leak", "day-1", 0.02, 0.5, "log"), Parameter("size", "mm", 50.0, 150.0))
)


class Bucket(ProcessModel):
    """Wetness of a bucket that rain fills and that leaks in proportion to its water."""

    space, outputs, warmup = SPACE, ("evapotranspiration", "soil_moisture"), 10

    def __init__(self, rain):
        self.rain, (self.n_cells, self.n_days), self.days_run = rain, rain.shape, 0

    def simulate(self, parameters, cells=None, days=None):
        cells = torch.arange(self.n_cells) if cells is None else cells
        first, last, _ = (days or slice(None)).indices(self.n_days)
        begin = max(0, first - self.warmup)
        self.days_run += len(cells) * (last - begin)
        leak, size = parameters.unbind(-1)
        water, series = 0.3 * size, []
        for day in range(begin, last):
            lost = leak * water
            water = torch.minimum(water - lost + self.rain[cells, day], size)
            series.append(torch.stack([lost, 0.5 * water / size], -1))
        return torch.stack(series[first - begin :], -2)


def make_study(seed=0, slope=1.0, offset=0.0, observe=None):
    """A study whose true parameters follow its two first attributes; half the days observed."""
    rng = torch.Generator().manual_seed(seed)
    attributes = torch.randn(CELLS, 3, generator=rng)
    rain = 12.0 * torch.rand(CELLS, DAYS, generator=rng) ** 4
    unit = torch.stack([torch.sigmoid(attributes[:, 0]), torch.sigmoid(attributes[:, 1])], -1)
    truth, model = SPACE.to_physical(unit), Bucket(rain)
    wetness = model.simulate(truth)[..., 1]
    seen = 0.5 * (wetness[:, :-1] + wetness[:, 1:])
    observations = torch.full((CELLS, DAYS), torch.nan)
    noise = 0.01 * torch.randn(CELLS, DAYS - 1, generator=rng)
    observations[:, 1:] = slope * seen + offset + noise
    observations[torch.rand(CELLS, DAYS, generator=rng) < 0.5] = torch.nan
    if observe is not None:
        observe(observations)
    observations[:, : TRAINING.start] = observations[:, TRAINING.stop :] = torch.nan
    role = torch.full((CELLS,), ROLES["train"], dtype=torch.int8)
    role[45:50], role[50:58], role[58:] = ROLES["validate"], ROLES["test"], ROLES["unused"]
    forcing = rain[:, TRAINING, None].expand(-1, -1, len(FORCING)).clone()
    train = role == ROLES["train"]
    names = ("a", "b", "c")
    scalers = Scalers(
        Scaler.fit(attributes[train], names, ("1",) * 3),
        Scaler.fit(forcing[train], FORCING, ("1",) * len(FORCING)),
        Scaler.fit(observations[train, :, None], ("soil_moisture",), ("m3 m-3",)),
    )
    dates = np.datetime64("2015-01-01", "D") + np.arange(DAYS)
    study = Study(
        dates,
        TRAINING,
        role,
        attributes,
        forcing,
        observations[..., None],
        ("soil_moisture",),
        scalers,
    )
    return study, model, truth


QUICK = Settings(epochs=4, hidden=8, observation_map="none")


def same(one, other):
    return (
        torch.equal(one.parameters, other.parameters)
        and torch.equal(one.trajectory.parameters, other.trajectory.parameters)
        and [r["train_loss"] for r in one.history] == [r["train_loss"] for r in other.history]
        and [r["validation_loss"] for r in one.history]
        == [r["validation_loss"] for r in other.history]
    )


def test_settings_that_ask_for_other_attributes_than_the_study_tells_are_refused():
    study, model, _ = make_study()
    with pytest.raises(ValueError, match="tells the attributes a, b, c, the settings ask for b"):
        dpl.learn("dpl_a", study, model, replace(QUICK, attributes=["b"]), seed=1)


def test_linear_functions_are_linear_in_the_attributes():
    study, model, _ = make_study()
    settings = Settings(epochs=40, learning_rate=0.05, observation_map="none")
    result = dpl.learn("linear", study, model, settings, seed=1)
    assert result.history[-1]["train_loss"] < 0.7 * result.history[0]["train_loss"]
    place = torch.logit(SPACE.to_unit(result.parameters).double())
    inputs = torch.cat([study.attributes.double(), torch.ones(CELLS, 1)], 1)
    found = torch.linalg.lstsq(inputs, place).solution
    assert found[:-1].abs().max() > 0.1
    torch.testing.assert_close(inputs @ found, place, atol=1e-3, rtol=1e-3)


def test_where_no_cell_validates_the_last_epoch_stands():
    study, model, _ = make_study()
    role = torch.where(study.role == ROLES["validate"], ROLES["train"], study.role)
    every = replace(study, role=role.to(study.role.dtype))
    result = dpl.learn("dpl_a", every, model, QUICK, seed=1)
    assert result.best_epoch == QUICK.epochs
    assert all(np.isnan(row["validation_loss"]) for row in result.history)
    torch.testing.assert_close(result.parameters, result.trajectory.parameters[-1])
    with pytest.raises(ValueError, match="patience = 2: no cell of this sampling validates"):
        dpl.learn("dpl_a", every, model, replace(QUICK, patience=2), seed=1)


@pytest.mark.parametrize(
    ("method", "observation_map", "epochs", "rate"),
    [
        ("dpl_a", "none", 80, 0.02),
        ("dpl_a", "domain", 80, 0.02),
        ("dpl_a", "network", 80, 0.02),
        ("dpl_z", "none", 60, 0.01),
        ("paraformer_a", "none", 80, 0.005),
        ("paraformer_z", "none", 60, 0.002),
    ],
)
def test_recovers_known_parameters(method, observation_map, epochs, rate):
    """From noisy, gappy observations, at cells of all roles, better by far than the start."""
    slope, offset = (1.0, 0.0) if observation_map == "none" else (0.7, 0.06)
    study, model, truth = make_study(slope=slope, offset=offset)
    settings = Settings(
        epochs=epochs, hidden=16, learning_rate=rate, observation_map=observation_map
    )
    line = (slope, offset) if observation_map == "domain" else None
    result = dpl.learn(method, study, model, settings, seed=1, line=line)
    SPACE.check(result.parameters)
    last = result.history[-1]
    assert last["train_loss"] < 0.025
    assert result.history[result.best_epoch - 1]["validation_loss"] < 0.03
    error = (SPACE.to_unit(result.parameters) - SPACE.to_unit(truth))[:, 0].abs()
    start = (SPACE.to_unit(result.trajectory.parameters[0]) - SPACE.to_unit(truth))[:, 0].abs()
    held_out = study.cells("test")
    assert error[study.cells("train")].mean() < 0.65 * start[study.cells("train")].mean()
    assert error[held_out].mean() < 0.85 * start[held_out].mean()
    assert result.slope.shape == ((CELLS,) if observation_map == "network" else ())
    if observation_map == "domain":
        assert (result.slope.item(), result.offset.item()) == pytest.approx(line)


def test_a_line_belongs_to_the_map_of_the_domain():
    study, model, _ = make_study()
    for observation_map, line in (("domain", None), ("none", (0.7, 0.06)), ("network", (1, 0))):
        settings = replace(QUICK, observation_map=observation_map)
        with pytest.raises(ValueError, match="a line belongs to domain, and domain needs one"):
            dpl.learn("dpl_a", study, model, settings, seed=1, line=line)


def test_starts_near_known_parameters():
    study, model, _ = make_study()
    start = torch.tensor([0.05, 120.0]).expand(CELLS, 2)
    result = dpl.learn("dpl_a", study, model, QUICK, seed=0, start=start)
    first = SPACE.to_unit(result.trajectory.parameters[0])
    assert (first - SPACE.to_unit(start)).abs().max() < 0.1
    with pytest.raises(ValueError, match="size = 400 is outside its bounds"):
        dpl.learn("dpl_a", study, model, QUICK, seed=0, start=torch.tensor([[0.1, 400.0]] * CELLS))


@pytest.mark.parametrize("method", NETWORKS)
def test_gradients_reach_every_weight(method):
    torch.manual_seed(0)
    network = build_network(method, NetworkShape(3, 10, 2, hidden=8))
    network(Inputs(torch.randn(5, 3), torch.randn(5, 12, 10)))[:, 0].sum().backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name
        assert weight.grad.abs().max() > 0, name


@pytest.mark.parametrize("method", NETWORKS)
def test_what_must_not_be_seen_changes_nothing(method):
    """Not the test period; and of test cells nothing but their own inputs, to dpl_z alone."""
    study, model, _ = make_study()
    result = dpl.learn(method, study, model, QUICK, seed=3)

    def after_training(observations):
        observations[:, TRAINING.stop :] += 1.0
        observations[:, : TRAINING.start] -= 1.0

    assert same(
        result, dpl.learn(method, make_study(observe=after_training)[0], model, QUICK, seed=3)
    )

    def of_test_cells(observations):
        observations[50:] *= 0.5

    other = dpl.learn(method, make_study(observe=of_test_cells)[0], model, QUICK, seed=3)
    assert [r["train_loss"] for r in other.history] == [r["train_loss"] for r in result.history]
    assert torch.equal(other.parameters[:50], result.parameters[:50])
    of_attributes = not result.network.uses_series
    assert torch.equal(other.parameters[50:], result.parameters[50:]) == of_attributes


@pytest.mark.parametrize(
    ("method", "batch", "window", "reading"),
    [
        ("dpl_a", 7, 15, None),
        ("dpl_z", None, None, None),
        ("paraformer_z", None, None, 20),
    ],
)
def test_a_killed_run_resumes_to_the_same_numbers(tmp_path, method, batch, window, reading):
    study, model, _ = make_study()
    settings = Settings(
        epochs=6, hidden=8, batch=batch, window=window, reading=reading, dropout=0.3
    )
    line = {"line": (0.9, 0.02)}
    whole = dpl.learn(method, study, model, settings, seed=5, **line)

    class Killed(Bucket):
        left = 30 if batch else 6

        def simulate(self, *args):
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return super().simulate(*args)

    path = tmp_path / "checkpoint.pt"
    with pytest.raises(KeyboardInterrupt):
        dpl.learn(method, study, Killed(model.rain), settings, seed=5, checkpoint=path, **line)
    assert path.exists()
    resumed_model = Bucket(model.rain)
    resumed = dpl.learn(method, study, resumed_model, settings, seed=5, checkpoint=path, **line)
    assert same(whole, resumed)
    assert torch.equal(whole.slope, resumed.slope)
    assert [r["runs_per_cell"] for r in whole.history] == [
        r["runs_per_cell"] for r in resumed.history
    ]
    assert torch.equal(whole.trajectory.epoch, resumed.trajectory.epoch)
    assert resumed_model.days_run < model.days_run


def test_another_seed_is_another_run_and_the_same_is_the_same():
    study, model, _ = make_study()
    one, two, other = (dpl.learn("dpl_a", study, model, QUICK, seed=s) for s in (1, 1, 2))
    assert same(one, two)
    assert not same(one, other)


def test_epochs_are_counted_in_runs_of_the_model():
    study, model, _ = make_study()
    cells, period = study.cells("train"), TRAINING
    generator = torch.Generator().manual_seed(0)
    plan = plan_epoch(cells, period, 7, 50, model.warmup, generator)
    assert sorted(torch.cat([some for some, _ in plan]).tolist()) == cells.tolist()
    assert {(days.start, days.stop) for _, days in plan} == {(20, 70)}
    full = len(cells) * run_days(period, model.warmup)
    costs = []
    for _ in range(50):
        plan = plan_epoch(cells, period, 7, 15, model.warmup, generator)
        assert all(d.start >= 20 and d.stop <= 70 and d.stop - d.start == 15 for _, d in plan)
        costs.append(sum(len(some) * run_days(days, model.warmup) for some, days in plan) / full)
    assert np.mean(costs) == pytest.approx(1, abs=0.03)

    model.days_run = 0
    settings = replace(QUICK, batch=7, window=15)
    result = dpl.learn("dpl_a", study, model, settings, seed=0)
    validation = 4 * len(study.cells("validate")) * run_days(period, model.warmup)
    counted = result.history[-1]["runs_per_cell"] * full
    assert counted == pytest.approx(model.days_run - validation)
    whole = dpl.learn("dpl_a", study, model, QUICK, seed=0)
    assert [row["runs_per_cell"] for row in whole.history] == [1, 2, 3, 4]


def test_trajectory_is_on_a_log_scale():
    assert record_epochs(1, 30) == {1}
    assert record_epochs(1000, 4) == {1, 10, 100, 1000}
    study, model, _ = make_study()
    result = dpl.learn("dpl_a", study, model, replace(QUICK, epochs=9), seed=0, records=4)
    assert result.trajectory.epoch.tolist() == [0, 1, 2, 4, 9]
    assert result.trajectory.parameters.shape == (5, CELLS, 2)
    assert result.trajectory.slope.shape == result.trajectory.seconds.shape == (5,)
    assert (result.trajectory.seconds.diff() >= 0).all()


def test_early_stopping_keeps_the_best_epoch():
    study, model, _ = make_study()
    settings = replace(QUICK, epochs=60, patience=3, learning_rate=0.3)
    result = dpl.learn("dpl_a", study, model, settings, seed=0)
    losses = [row["validation_loss"] for row in result.history]
    assert len(losses) == result.best_epoch + 3
    assert min(losses) == losses[result.best_epoch - 1]
    assert "without improvement" in result.stopped


def test_adadelta_learns_too():
    study, model, _ = make_study()
    settings = replace(QUICK, epochs=15, optimizer="adadelta", learning_rate=1.0, batch=7)
    history = dpl.learn("dpl_a", study, model, settings, seed=0).history
    assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_gradients_are_shortened_unless_the_settings_have_no_norm():
    study, model, _ = make_study()

    def losses(gradient_norm):
        settings = replace(QUICK, gradient_norm=gradient_norm)
        history = dpl.learn("dpl_a", study, model, settings, seed=0).history
        return [row["train_loss"] for row in history]

    free = losses(None)
    assert free == losses(1e9)
    # so short that the steps of Adam hardly leave the ground
    assert free != losses(1e-9)


def test_the_optimizer_has_its_settings():
    weights = [torch.nn.Parameter(torch.zeros(1))]
    settings = Settings(5, optimizer="adadelta", learning_rate=0.5, rho=0.95, weight_decay=1e-5)
    group = settings.make_optimizer(weights).param_groups[0]
    assert (group["lr"], group["rho"], group["weight_decay"]) == (0.5, 0.95, 1e-5)
    adam = replace(settings, optimizer="adam").make_optimizer(weights)
    assert isinstance(adam, torch.optim.Adam)
    assert adam.param_groups[0]["weight_decay"] == 1e-5


@pytest.mark.parametrize("method", ["dpl_a", "paraformer_z"])
def test_the_range_boundary_loss_in_place_of_bounded_outputs(method):
    """A start far outside is drawn back; the model never sees a parameter beyond its bounds."""
    study, model, _ = make_study()
    settings = replace(QUICK, epochs=30, bounds="penalty", learning_rate=0.02)
    result = dpl.learn(method, study, model, settings, seed=0)
    SPACE.check(result.parameters)
    assert result.history[-1]["validation_loss"] < 0.6 * result.history[0]["validation_loss"]
    network = result.network
    with torch.no_grad():
        network.body.head.bias += 3.0
        inputs = study.inputs.select(study.cells("train"))
        assert network(inputs).max() > 1
        assert network.read(inputs).max() == 1


def test_a_network_that_reads_windows_reads_every_day():
    shape = NetworkShape(3, 10, 2, hidden=8, reading=40)
    network = build_network("paraformer_z", shape).eval()
    inputs = Inputs(torch.randn(5, 3), torch.randn(5, 100, 10))
    parts = [network(inputs.between(k, k + 40)) for k in (0, 30, 60)]
    assert torch.allclose(network.read(inputs), torch.stack(parts).mean(0))
    assert torch.equal(network.read(inputs.between(0, 40)), network(inputs.between(0, 40)))
    with pytest.raises(ValueError, match="reads 40 days at once; there are 39"):
        network.read(inputs.between(0, 39))


def test_days_read_in_training():
    generator = torch.Generator().manual_seed(0)
    period, batch = slice(20, 70), slice(30, 50)
    assert days_to_read(batch, period, None, generator) == period
    assert days_to_read(batch, period, 20, generator) == batch
    drawn = [days_to_read(batch, period, 35, generator) for _ in range(300)]
    assert {d.stop - d.start for d in drawn} == {35}
    assert {d.start for d in drawn} == set(range(20, 36))


def test_batches_without_observations_are_skipped_and_counted(caplog):
    def only_late(observations):
        observations[:, : TRAINING.stop - 10] = torch.nan

    study, model, _ = make_study(observe=only_late)
    settings = replace(QUICK, batch=7, window=5)
    result = dpl.learn("dpl_a", study, model, settings, seed=0)
    assert result.skipped > 0
    assert f"{result.skipped} mini-batches had no observation" in caplog.text
    assert result.history[-1]["runs_per_cell"] < 4


class InOtherUnits(Bucket):
    """A bucket whose evaporation is told in a unit a thousand times smaller."""

    def simulate(self, parameters, cells=None, days=None):
        return super().simulate(parameters, cells, days) * torch.tensor([1000.0, 1.0])


def of_two_targets(study, model, truth):
    """The study with what the truth evaporates as a second target."""
    lost = model.simulate(truth)[..., :1]
    lost[:, : TRAINING.start] = lost[:, TRAINING.stop :] = torch.nan
    both = torch.cat([study.observations, lost], -1)
    names = ("soil_moisture", "evapotranspiration")
    seen = Scaler.fit(both[:45], names, ("m3 m-3", "mm day-1"))
    return replace(
        study, observations=both, targets=names, scalers=study.scalers._replace(observations=seen)
    )


def test_several_targets():
    study, model, truth = make_study()
    study = of_two_targets(study, model, truth)
    settings = replace(QUICK, epochs=10, targets={"evapotranspiration": 1.0, "soil_moisture": 1.0})
    for method in NETWORKS:
        history = dpl.learn(method, study, model, settings, seed=0).history
        assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_a_target_seen_as_means_of_several_days():
    """The bucket's evaporation is told every fifth day, as the mean of five; windows are short."""
    study, model, truth = make_study()
    window = slice(TRAINING.start - 1, TRAINING.stop)
    lost = torch.full((CELLS, DAYS), torch.nan)
    lost[:, window] = model.simulate(truth, days=window)[..., 0]
    lengths = torch.ones(DAYS, dtype=torch.int64)
    lengths[4::5] = 5
    seen = torch.full((CELLS, DAYS), torch.nan)
    for last in range(TRAINING.start + 4, TRAINING.stop, 5):
        seen[:, last] = lost[:, last - 4 : last + 1].mean(-1)
    study = replace(
        study,
        observations=seen[..., None],
        targets=("evapotranspiration",),
        scalers=study.scalers._replace(
            observations=Scaler.fit(seen[:45, :, None], ("evapotranspiration",), ("mm day-1",))
        ),
        lengths={"evapotranspiration": lengths},
    )
    # a mean that begins before the days asked for is a gap
    days = slice(TRAINING.start + 2, TRAINING.start + 12)
    there = torch.isfinite(study.observed(torch.arange(2), days)[0, :, 0])
    assert there.nonzero()[:, 0].tolist() == [7]
    every = torch.arange(CELLS)
    error = TrainingError(model, study, every)(every, SPACE.to_unit(truth)[:, None])
    assert error.max() < 1e-5
    targets = {"evapotranspiration": 1.0}
    settings = replace(QUICK, epochs=15, observation_map="none", targets=targets, window=20)
    history = dpl.learn("dpl_a", study, model, settings, seed=0).history
    assert history[-1]["validation_loss"] < 0.7 * history[0]["validation_loss"]


def test_the_unit_of_a_target_does_not_decide_what_is_learned():
    """In raw units evaporation would drown soil moisture here a thousand times more than there."""
    study, model, truth = make_study()
    settings = replace(QUICK, targets={"evapotranspiration": 1.0, "soil_moisture": 1.0})
    found = [
        dpl.learn("dpl_a", of_two_targets(study, m, truth), m, settings, seed=0)
        for m in (model, InOtherUnits(model.rain))
    ]
    losses = [[row["train_loss"] for row in result.history] for result in found]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert torch.allclose(found[0].parameters, found[1].parameters, rtol=1e-2)
    # the errors of two targets are shares of what their means would err
    assert 0.05 < losses[0][0] < 2


def test_a_failing_model_is_named():
    study, model, _ = make_study()
    model.rain[4, 40] = torch.nan
    with pytest.raises(FloatingPointError, match=r"not a number in 1 of 45 cells.*cell 4.*leak ="):
        dpl.learn("dpl_a", study, model, QUICK, seed=0)


@pytest.mark.parametrize(
    ("method", "changes", "message"),
    [
        ("ganpo", {}, "unknown method 'ganpo'; parameter networks are dpl_a, dpl_z"),
        ("dpl_a", {"window": 51}, "window = 51 days is longer than the training period of 50"),
        ("paraformer_z", {"reading": 51}, "reading = 51 days is longer than the training period"),
        ("paraformer_a", {"heads": 3}, "heads = 3 does not divide hidden = 8"),
        ("dpl_a", {"targets": {"runoff": 1.0}}, "study has no 'runoff'"),
    ],
)
def test_unsuitable_choices(method, changes, message):
    study, model, _ = make_study()
    with pytest.raises(ValueError, match=message):
        dpl.learn(method, study, model, replace(QUICK, **changes), seed=0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 5, "hiden": 3}, "unknown setting 'hiden'; there are epochs"),
        ({"epochs": 0}, "epochs = 0; it must be at least 1"),
        ({"epochs": 5, "learning_rate": 0}, "learning_rate = 0"),
        ({"epochs": 5, "gradient_norm": 0}, "gradient_norm = 0"),
        ({"epochs": 5, "optimizer": "sgd"}, "unknown optimizer 'sgd'; use adam or adadelta"),
        ({"epochs": 5, "bounds": "clip"}, "unknown bounds 'clip'; use sigmoid or penalty"),
        ({"epochs": 5, "rho": 1.1}, "rho = 1.1; it must lie between 0 and 1"),
        ({"epochs": 5, "observation_map": "cell"}, "unknown observation_map 'cell'"),
        ({"epochs": 5, "targets": {}}, "weights above 0"),
        ({"epochs": 5, "targets": {"evapotranspiration": 1.0}}, "is for soil_moisture only"),
    ],
)
def test_wrong_settings(values, message):
    with pytest.raises(ValueError, match=message):
        Settings.from_dict(values)


def test_study_and_model_must_fit():
    study, model, _ = make_study()
    with pytest.raises(ValueError, match="60 cells and 90 days, the model 59 and 90"):
        dpl.learn("dpl_a", study, Bucket(model.rain[1:]), QUICK, seed=0)


@pytest.mark.parametrize("observation_map", ["domain", "network"])
def test_a_saved_network_gives_the_same_parameters(tmp_path, observation_map):
    study, model, _ = make_study()
    settings = replace(QUICK, observation_map=observation_map)
    line = (0.9, 0.02) if observation_map == "domain" else None
    result = dpl.learn("dpl_z", study, model, settings, seed=0, line=line)
    save_network(tmp_path, result, method="dpl_z", study=study, space=SPACE, settings=settings)
    trained = load_network(tmp_path)
    assert trained.space.names == SPACE.names
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["weights"] == sum(value.numel() for value in trained.network.state_dict().values())
    domain = xr.Dataset(
        {
            "attributes": (("cell", "attribute"), study.raw_attributes.numpy()),
            "attribute_units": ("attribute", ["1"] * 3),
            "lat": ("cell", np.zeros(CELLS)),
            "lon": ("cell", np.zeros(CELLS)),
        },
        coords={"attribute": ["a", "b", "c"]},
    )
    time = study.dates.astype("datetime64[ns]")
    rain = model.rain.numpy()
    forcing = xr.Dataset(
        {name: (("cell", "time"), rain, {"units": "1"}) for name in FORCING}, {"time": time}
    )
    seen = study.observations[None, ..., 0].numpy()
    training = xr.Dataset(
        {"soil_moisture": (("period", "cell", "time"), seen, {"units": "m3 m-3"})},
        {"time": time, "period": ["some"]},
    )
    span = tuple(str(study.dates[day]) for day in (TRAINING.start, TRAINING.stop - 1))
    parameters, slope, offset = apply_network(
        trained, domain, forcing, training, period="some", span=span
    )
    assert torch.allclose(parameters, result.parameters)
    assert torch.allclose(slope, result.slope)
    assert torch.allclose(offset, result.offset)
    with pytest.raises(ValueError, match="give it forcing, training and span"):
        apply_network(trained, domain)
    domain["attribute_units"] = "attribute", ["1", "percent", "1"]
    with pytest.raises(ValueError, match="b is in 'percent', training had it in '1'"):
        apply_network(trained, domain, forcing, training, period="some", span=span)
