"""GAN-PO on maps of a leaky bucket: networks, losses, training, gaps, resuming, bad input."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from parlearn.learn import ganpo
from parlearn.learn.adversaries import Adversaries, _one_a_day, range_loss
from parlearn.learn.apply import apply_network, load_network, save_network
from parlearn.learn.ganpo import Settings, collapse, learn
from parlearn.learn.losses import NoObservations
from parlearn.learn.maps import MapLearner, ParameterMaps, attribute_maps, check_maps
from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.parameter import Parameter
from parlearn.networks.convolution import Discriminator, UNet
from parlearn.networks.scalers import Scaler, Scalers
from parlearn.plan.methods import METHODS
from parlearn.study.grid import Grid
from parlearn.study.roles import ROLES
from parlearn.study.tensors import FORCING, Study

torch.set_num_threads(1)

SHAPE, DAYS, TRAINING, LATER = (9, 11), 100, slice(10, 60), slice(60, 90)
SPACE = ParameterSpace((Parameter("leak", "day-1", 0.02, 0.5, "log"),))


class Bucket(ProcessModel):
    """A bucket that loses a share of its water a day."""

    space, outputs, warmup = SPACE, ("evapotranspiration",), 10

    def __init__(self, rain):
        self.rain, (self.n_cells, self.n_days) = rain, rain.shape

    def simulate(self, parameters, cells=None, days=None):
        cells = torch.arange(self.n_cells) if cells is None else cells
        first, last, _ = (days or slice(None)).indices(self.n_days)
        begin, leak = max(0, first - self.warmup), parameters[..., 0]
        water, series = 10.0 * torch.ones_like(leak), []
        for day in range(begin, last):
            lost = leak * water
            water = water - lost + self.rain[cells, day]
            series.append(lost[..., None])
        return torch.stack(series[first - begin :], -2)


def make_study(seed=0, holes=True, validation=True, gaps=0.5):
    """Units on a map with holes, whose leak follows their first attribute."""
    rng = torch.Generator().manual_seed(seed)
    there = torch.ones(SHAPE, dtype=torch.bool)
    if holes:
        there[2:4, 3:6] = False
    grid = Grid(SHAPE, there.flatten().nonzero()[:, 0])
    cells = len(grid.index)
    place = torch.stack(torch.meshgrid(*(torch.linspace(-1, 1, n) for n in SHAPE), indexing="ij"))
    attributes = torch.stack(
        [grid.to_units(torch.sin(3 * place[0]) + place[1]), torch.randn(cells, generator=rng)], -1
    )
    rain = 8.0 * torch.rand(cells, DAYS, generator=rng) ** 3
    truth, model = SPACE.to_physical(torch.sigmoid(2 * attributes[:, :1])), Bucket(rain)
    observations = model.simulate(truth) + 0.05 * torch.randn(cells, DAYS, 1, generator=rng)
    observations[torch.rand(cells, DAYS, 1, generator=rng) < gaps] = torch.nan
    withheld = torch.full_like(observations, torch.nan)
    withheld[:, LATER] = observations[:, LATER]
    observations[:, : TRAINING.start] = observations[:, TRAINING.stop :] = torch.nan
    role = torch.full((cells,), ROLES["train"], dtype=torch.int8)
    role[::7], role[3::11] = ROLES["validate"], ROLES["test"]
    forcing = rain[:, TRAINING, None].expand(-1, -1, len(FORCING)).clone()
    train = role == ROLES["train"]
    scalers = Scalers(
        Scaler.fit(attributes[train], ("a", "b"), ("1", "1")),
        Scaler.fit(forcing[train], FORCING, ("1",) * len(FORCING)),
        Scaler.fit(observations[train], ("evapotranspiration",), ("mm day-1",)),
    )
    study = Study(
        np.datetime64("2009-01-01", "D") + np.arange(DAYS),
        TRAINING,
        role,
        attributes,
        forcing,
        observations,
        ("evapotranspiration",),
        scalers,
        grid=grid,
        validation=LATER if validation else None,
        withheld=withheld if validation else None,
    )
    return study, model, truth


def settings(**changes):
    return Settings(
        **{"epochs": 4, "batch": 16, "hidden": 8, "levels": 2, "learning_rate": 0.005} | changes
    )


# -- networks


@pytest.mark.parametrize("shape", [(17, 24), (18, 38), (8, 8), (9, 31)])
def test_a_unet_gives_maps_of_the_size_it_was_given(shape):
    answer = UNet(5, 3, hidden=4, levels=3)(torch.randn(2, 5, *shape))
    assert answer.shape == (2, 3, *shape)


def test_a_unet_has_the_weights_its_layers_say():
    # 3x3 convolutions in, down (4 -> 8 -> 16), 4x4 transposed up (16 -> 8, 2 x 8 -> 4), 1x1 head
    layers = (5 * 4 * 9 + 4, 4 * 8 * 9 + 8, 8 * 16 * 9 + 16, 16 * 8 * 16 + 8, 16 * 4 * 16 + 4)
    norms = 2 * (8 + 16 + 8 + 4)
    head = 2 * 4 * 3 + 3
    network = UNet(5, 3, hidden=4, levels=2)
    assert sum(w.numel() for w in network.parameters()) == sum(layers) + norms + head


def test_every_cell_of_a_unet_sees_its_neighbours_and_the_whole_of_a_small_map():
    torch.manual_seed(0)
    network, maps = UNet(2, 1, hidden=4, levels=2), torch.randn(1, 2, 8, 8, requires_grad=True)
    network(maps)[0, 0, 4, 4].backward()
    assert (maps.grad[0, 0] != 0).all()


def test_a_map_too_small_for_the_levels_is_refused():
    with pytest.raises(ValueError, match="3 levels needs .* 8 x 8 .* set levels to 2"):
        UNet(2, 1, levels=3)(torch.randn(1, 2, 7, 20))


@pytest.mark.parametrize("shape", [(17, 24), (18, 38), (2, 3), (64, 64)])
def test_a_discriminator_gives_one_number_a_map(shape):
    network = Discriminator(9, shape, hidden=4)
    assert network(torch.randn(5, 9, *shape)).shape == (5,)
    kinds = [type(layer) for block in network.body[:-1] for layer in block]
    assert kinds[:2] == [torch.nn.Conv2d, torch.nn.LeakyReLU]
    assert all(
        layer.stride == (2, 2) and layer.kernel_size == (3, 3)
        for block in network.body[:-1]
        for layer in block
        if isinstance(layer, torch.nn.Conv2d)
    )


# -- losses


def test_range_loss_by_hand():
    values = torch.tensor([[1.5, 0.5], [1.1, -0.2], [0.0, 1.0]])
    # above: (0.5 + 0.1) / 2; below: 0.2 / 1
    assert range_loss(values) == pytest.approx(0.5)
    assert range_loss(values.clamp(0, 1)) == 0
    bounds = torch.tensor([0.0, 0.0]), torch.tensor([2.0, 0.75])
    assert range_loss(values, *bounds) == pytest.approx(0.25 + 0.2)


def test_the_losses_of_a_step_are_those_of_the_equations():
    study, model, _ = make_study()
    choice = settings(lambda_l=7.0, lambda_r=3.0)
    torch.manual_seed(3)
    body = UNet(3, 1, 8, 2)
    network = ParameterMaps(body, "penalty", torch.tensor([0.95]))
    learner = MapLearner(network, model, study, choice)
    adversaries = Adversaries(learner, choice, adversarial=True)
    cells, days = study.cells("train"), slice(20, 50)
    with torch.no_grad():
        fields = network(attribute_maps(study.attributes, study.grid))
        unit = study.grid.to_units(fields).T
        parameters = SPACE.to_physical(unit.clamp(0, 1)[cells])
        run = model.simulate(parameters, cells, slice(19, 50))[:, 1:, 0]
        observed = study.observations[cells, days, 0]
        std = study.scalers.observations.std[0]
        expected_error = ((run - observed).abs() / std).nanmean()
        expected_range = (unit - 1).relu().sum() / max((unit > 1).sum(), 1)
        expected_range += (-unit).relu().sum() / max((unit < 0).sum(), 1)
    noted = adversaries.step(cells, days)
    assert noted["absolute_error"] == pytest.approx(float(expected_error), rel=1e-5)
    assert noted["range_loss"] == pytest.approx(float(expected_range), rel=1e-4, abs=1e-7)
    total = 7.0 * noted["absolute_error"] + 3.0 * noted["range_loss"] + noted["adversarial_loss"]
    assert noted["loss"] == pytest.approx(total, rel=1e-6)


def test_gradients_of_the_discriminator_stay_out_of_the_generator_step():
    study, model, _ = make_study()
    choice = settings()
    torch.manual_seed(0)
    learner = MapLearner(
        ganpo.build_generator(ganpo.GeneratorShape(3, 1, 8, 2, "penalty")), model, study, choice
    )
    adversaries = Adversaries(learner, choice, adversarial=True)
    adversaries.step(study.cells("train"), slice(20, 50))
    assert all(w.requires_grad for w in adversaries.discriminator.parameters())
    before = [w.clone() for w in adversaries.discriminator.parameters()]
    adversaries._train_discriminator = lambda *given: {}  # only the generator learns
    adversaries.step(study.cells("train"), slice(20, 50))
    assert all(
        torch.equal(a, b)
        for a, b in zip(before, adversaries.discriminator.parameters(), strict=True)
    )


# -- what the discriminator is shown


def _shown(study, model):
    """What the discriminator is given in a step: context, simulated and observed maps."""
    choice, kept = settings(), {}
    torch.manual_seed(0)
    learner = MapLearner(
        ganpo.build_generator(ganpo.GeneratorShape(3, 1, 8, 2, "penalty")), model, study, choice
    )
    adversaries = Adversaries(learner, choice, adversarial=True)
    train = adversaries._train_discriminator

    def keep(context, simulated, observed, batches):
        kept.update(context=context, simulated=simulated, observed=observed)
        return train(context, simulated, observed, batches)

    adversaries._train_discriminator = keep
    adversaries.step(study.cells("train"), slice(20, 50))
    return kept


def test_gaps_holes_and_other_cells_look_alike_in_simulated_and_observed():
    study, model, _ = make_study()
    kept = _shown(study, model)
    seen = torch.zeros(30, study.n_cells, dtype=torch.bool)
    cells = study.cells("train")
    seen[:, cells] = torch.isfinite(study.observations[cells, 20:50, 0]).T
    mask = study.grid.to_map(seen.float(), fill=0.0)
    assert torch.equal(kept["context"][:, -1], mask)
    for name in ("simulated", "observed"):
        assert (kept[name][:, 0][mask == 0] == 0).all()
        assert (kept[name][:, 0][mask == 1] != 0).float().mean() > 0.99


def test_where_simulated_equals_observed_the_discriminator_stays_at_chance():
    study, model, truth = make_study(gaps=0.58)
    exact = model.simulate(truth)
    exact[torch.isnan(study.observations)] = torch.nan
    study = replace(study, observations=exact)
    choice = settings(learning_rate=0.002)
    torch.manual_seed(0)
    learner = MapLearner(
        ganpo.build_generator(ganpo.GeneratorShape(3, 1, 8, 2, "penalty")), model, study, choice
    )
    # a generator that knows the truth and cannot change
    known = SPACE.to_unit(truth).T
    learner.network = torch.nn.Module()
    learner.network.weight = torch.nn.Parameter(torch.zeros(()))
    learner.network.forward = lambda maps: (
        study.grid.to_map(known, 0.0) + 0 * learner.network.weight
    )
    adversaries = Adversaries(learner, choice, adversarial=True)
    noted = [adversaries.step(study.cells("train"), TRAINING) for _ in range(60)]
    late = noted[-20:]
    right = np.mean([r["accuracy_observed"] + r["accuracy_simulated"] for r in late]) / 2
    assert right == pytest.approx(0.5, abs=0.1)
    assert np.mean([r["discriminator_loss"] for r in late]) == pytest.approx(0.5, abs=0.1)


# -- training


@pytest.mark.parametrize("method", ["ganpo", "l1"])
def test_the_leak_is_found_from_attribute_maps(method):
    study, model, truth = make_study()
    result = learn(method, study, model, settings(epochs=60, learning_rate=0.01), seed=1)
    unit, known = SPACE.to_unit(result.parameters), SPACE.to_unit(truth)
    start = SPACE.to_unit(result.trajectory.parameters[0])
    error = (unit - known).abs().median()
    assert error < 0.06 < (start - known).abs().median()
    assert result.parameters.shape == (study.n_cells, 1)
    SPACE.check(result.parameters)
    columns = set(result.history[0])
    adversarial = {"adversarial_loss", "discriminator_loss", "accuracy_observed"}
    assert adversarial <= columns if method == "ganpo" else not adversarial & columns


def test_a_model_that_answers_maps_is_given_the_parameters_of_all_cells():
    """And learns the same, though some cells are not trained on."""
    study, model, _ = make_study()
    assert len(study.cells("train")) < study.n_cells

    class Whole(Bucket):
        whole = True

        def simulate(self, parameters, cells=None, days=None):
            assert torch.equal(cells, torch.arange(self.n_cells))
            return super().simulate(parameters, cells, days)

    one = learn("l1", study, model, settings(), seed=1)
    other = learn("l1", study, Whole(model.rain), settings(), seed=1)
    assert torch.allclose(one.parameters, other.parameters, rtol=1e-4)


def test_observations_outside_training_cells_and_period_change_nothing():
    study, model, _ = make_study(validation=False)
    first = learn("ganpo", study, model, settings(), seed=1)
    changed = study.observations.clone()
    changed[study.cells("test")] = 99.0
    second = learn("ganpo", replace(study, observations=changed), model, settings(), seed=1)
    assert torch.equal(first.parameters, second.parameters)


def test_the_best_epoch_is_chosen_on_the_validation_years():
    study, model, _ = make_study()
    first = learn("l1", study, model, settings(epochs=8), seed=1)
    other = study.withheld.flip(0)
    second = learn("l1", replace(study, withheld=other), model, settings(epochs=8), seed=1)
    losses = [[row[k] for row in r.history] for r in (first, second) for k in ("train_loss",)]
    assert losses[0] == losses[1]
    scores = [[row["validation_loss"] for row in r.history] for r in (first, second)]
    assert scores[0] != scores[1]
    assert first.best_epoch == 1 + int(np.argmin(scores[0]))


def test_an_epoch_is_a_run_of_the_training_period():
    study, model, _ = make_study()
    for window in (None, 20):
        result = learn("l1", study, model, settings(window=window), seed=1)
        assert result.history[-1]["runs_per_cell"] == pytest.approx(4, rel=0.25)


def test_a_killed_run_goes_on_to_the_same_numbers(tmp_path, monkeypatch):
    study, model, _ = make_study()
    whole = learn("ganpo", study, model, settings(epochs=6), seed=1)
    record, path = ganpo.Training.record, tmp_path / "checkpoint.pt"

    def dies(self, *given, **more):
        record(self, *given, **more)
        if self.epoch == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(ganpo.Training, "record", dies)
    with pytest.raises(KeyboardInterrupt):
        learn("ganpo", study, model, settings(epochs=6), seed=1, checkpoint=path)
    monkeypatch.setattr(ganpo.Training, "record", record)
    again = learn("ganpo", study, model, settings(epochs=6), seed=1, checkpoint=path)
    assert torch.equal(again.parameters, whole.parameters)
    assert [r["train_loss"] for r in again.history] == [r["train_loss"] for r in whole.history]


# -- ensembles


def _ensemble(**changes):
    return settings(**{"members": 20, "draws": 4, "noise": 4} | changes)


def _learner(study, model, choice, seed=0):
    torch.manual_seed(seed)
    shape = ganpo.GeneratorShape(3 + choice.noise, 1, 8, 2, "penalty", choice.members, choice.noise)
    return MapLearner(ganpo.build_generator(shape), model, study, choice)


def test_members_differ_by_their_noise_alone_and_are_the_same_each_time():
    study, model, _ = make_study()
    learner = _learner(study, model, _ensemble())
    members = learner.members_of()
    assert members.shape == (20, study.n_cells, 1)
    assert torch.equal(members, learner.members_of())
    assert len({tuple(one.flatten().tolist()) for one in members}) == 20
    assert not torch.equal(learner.drawn(), learner.drawn())
    maps = learner.attributes
    body = torch.cat([maps.expand(2, -1, -1, -1), torch.randn(2, 4, *maps.shape[-2:])], 1)
    together = learner.network.each(body)
    for one, alone in zip(body, together, strict=True):
        assert torch.allclose(learner.network.each(one[None])[0], alone, atol=1e-6)


def test_half_of_the_noise_is_the_same_over_the_map():
    study, model, _ = make_study()
    learner, seen = _learner(study, model, _ensemble()), []
    learner.network.each = lambda maps: seen.append(maps) or maps[:, :1]
    learner.network.draw(learner.attributes, 5)
    noise = seen[0][:, -4:].flatten(2)
    assert (noise.std(-1)[:, :2] < 1e-6).all()
    assert (noise.std(-1)[:, 2:] > 0.5).all()
    assert noise[:, :2, 0].std() > 0.3
    assert torch.equal(seen[0][3, :3], learner.attributes[0])


def test_an_ensemble_of_equal_members_has_the_losses_of_one():
    """Of members that do not differ the CRPS is the absolute error."""
    study, model, _ = make_study()
    one = _learner(study, model, settings(noise=2, lambda_r=2.0))
    many = _learner(study, model, _ensemble(noise=2, lambda_r=2.0))
    same = many.network.draw(many.attributes, 1).detach()
    zero = [0 * next(learner.network.parameters()).sum() for learner in (one, many)]
    one.network.forward = lambda maps: same[0] + zero[0]
    many.network.draw = lambda maps, number: same.expand(number, -1, -1, -1) + zero[1]
    cells, days = study.cells("train"), slice(20, 50)
    noted = [
        Adversaries(learner, learner.settings, adversarial=False).step(cells, days)
        for learner in (one, many)
    ]
    assert noted[1] == pytest.approx(noted[0], rel=1e-4)


def test_the_discriminator_is_shown_one_member_a_day():
    members = torch.arange(3.0)[:, None, None, None].expand(3, 2, 4, 50) * 100
    members = members + torch.arange(50.0)
    torch.manual_seed(0)
    shown = _one_a_day(members)
    assert shown.shape == (2, 4, 50)
    assert torch.equal(shown % 100, torch.arange(50.0).expand(2, 4, 50))
    assert (shown == shown[:1, :1]).all()
    assert {*(shown[0, 0] // 100).tolist()} == {0, 1, 2}


def test_an_ensemble_learns_a_spread_and_goes_through_files(tmp_path):
    study, model, truth = make_study()
    choice = _ensemble(epochs=30, learning_rate=0.01)
    result = learn("ganpo_ensemble", study, model, choice, seed=1)
    assert result.parameters.shape == (20, study.n_cells, 1)
    SPACE.check(result.parameters)
    assert result.trajectory.parameters.shape[1:] == (study.n_cells, 1)
    unit, known = SPACE.to_unit(result.parameters), SPACE.to_unit(truth)
    assert (unit.mean(0) - known).abs().median() < 0.12
    assert 0 < result.history[-1]["member_spread"] < 0.3
    save_network(
        tmp_path, result, method="ganpo_ensemble", study=study, space=SPACE, settings=choice
    )
    trained = load_network(tmp_path)
    again = trained.network.ensemble(attribute_maps(study.attributes, study.grid))
    places = study.grid.to_units(again).transpose(1, 2).clamp(0, 1)
    assert torch.allclose(SPACE.to_physical(places), result.parameters, atol=1e-5)


def test_settings_of_an_ensemble_that_make_none_are_refused():
    for wrong in ({"draws": 1}, {"noise": 1}):
        with pytest.raises(ValueError, match="= 1; it must be at least 2"):
            _ensemble(**wrong)
    with pytest.raises(ValueError, match="members = 0; it must be at least 1"):
        settings(members=0)
    limits = {name: METHODS[name].limits for name in ("ganpo", "ganpo_ensemble")}
    assert dict(limits["ganpo"]({"members": 5}, 100, 1)).keys() == {"members"}
    assert dict(limits["ganpo_ensemble"]({}, 100, 1)).keys() == {"members"}
    assert not [*limits["ganpo"]({}, 100, 1), *limits["ganpo_ensemble"]({"members": 5}, 100, 1)]


def test_collapse_is_said():
    rows = [{"spread": 0.2, "accuracy_observed": 1.0, "accuracy_simulated": 1.0}] * 25
    assert "told all days apart" in collapse(rows, 25)
    assert collapse(rows, 10) == ""
    assert "flat" in collapse([{"spread": 1e-5}], 1)
    assert collapse([{"spread": 0.1}], 1) == ""


def test_a_trained_generator_is_saved_and_used_elsewhere(tmp_path):
    study, model, _ = make_study()
    result = learn("ganpo", study, model, settings(), seed=1)
    save_network(tmp_path, result, method="ganpo", study=study, space=SPACE, settings=settings())
    place = study.grid.index
    domain = xr.Dataset(
        {
            "attributes": (("cell", "attribute"), study.raw_attributes.numpy()),
            "attribute_units": ("attribute", ["1", "1"]),
            "row": ("cell", (place // SHAPE[1]).numpy()),
            "col": ("cell", (place % SHAPE[1]).numpy()),
            "lat": ("cell", np.zeros(study.n_cells)),
            "lon": ("cell", np.zeros(study.n_cells)),
        },
        {"attribute": ["a", "b"]},
    )
    parameters, slope, offset = apply_network(load_network(tmp_path), domain)
    assert torch.allclose(parameters, result.parameters, rtol=1e-5)
    assert (slope, offset) == (1, 0)
    with pytest.raises(ValueError, match="lie on no grid"):
        apply_network(load_network(tmp_path), domain.drop_vars(["row", "col"]))


# -- bad input


def test_studies_without_maps_are_refused():
    study, _, _ = make_study()
    with pytest.raises(ValueError, match="lie on no grid"):
        check_maps(replace(study, grid=None))
    with pytest.raises(ValueError, match="no neighbourhoods"):
        check_maps(replace(study, grid=Grid((1, study.n_cells), torch.arange(study.n_cells))))
    far = Grid((40, 40), torch.arange(study.n_cells))
    with pytest.raises(ValueError, match="only 6% of the map of 40 x 40"):
        check_maps(replace(study, grid=far))
    for kind, name in (("attributes", "a"), ("observations", "evapotranspiration")):
        scaler = getattr(study.scalers, kind)
        flat = replace(scaler, std=(0.0, *scaler.std[1:]))
        with pytest.raises(ValueError, match=f"{name} is the same in all training cells"):
            check_maps(replace(study, scalers=study.scalers._replace(**{kind: flat})))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lambda_l": -1.0}, "lambda_l = -1.0"),
        ({"lambda_r": -1.0}, "lambda_r = -1.0"),
        ({"learning_rate": 0.0}, "learning_rate = 0.0"),
        ({"batch": 1}, "batch = 1"),
        ({"batch": 32, "window": 20}, "batch = 32 days are more than the window of 20"),
        ({"levels": 0}, "levels = 0"),
        ({"bounds": "none"}, "unknown bounds"),
        ({"observation_map": "network"}, "no linear correction per cell"),
        ({"targets": {}}, "targets need weights"),
    ],
)
def test_bad_settings_are_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        settings(**changes)


def test_bad_days_are_refused():
    study, model, _ = make_study()
    with pytest.raises(ValueError, match="batch = 64 days are more than the 50 days"):
        learn("ganpo", study, model, settings(batch=64), seed=1)
    with pytest.raises(ValueError, match="window = 80 days is longer"):
        learn("ganpo", study, model, settings(window=80), seed=1)
    empty = replace(study, observations=torch.full_like(study.observations, torch.nan))
    with pytest.raises(NoObservations):
        learn("ganpo", empty, model, settings(), seed=1)
    nothing = replace(study, withheld=torch.full_like(study.withheld, torch.nan))
    with pytest.raises(NoObservations, match="choose the best epoch"):
        learn("ganpo", nothing, model, settings(), seed=1)
    with pytest.raises(ValueError, match="set levels to 3"):
        learn("ganpo", study, model, settings(levels=5), seed=1)


def test_unknown_settings_are_named():
    with pytest.raises(ValueError, match="unknown setting 'lambda'"):
        Settings.from_dict({"epochs": 1, "lambda": 2})
