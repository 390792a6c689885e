"""The compiled time loop on a made-up model that uses all that physics may use: its values and
derivatives against the same physics run eagerly and against differences.
"""

import pytest
import torch

from parlearn.models.fuse import compiled
from parlearn.models.fuse.build import compiler
from parlearn.models.fuse.loop import Loop
from parlearn.models.fuse.ops import Vars, detach, only_where, repeat
from parlearn.models.fuse.physics import Physics

pytestmark = pytest.mark.skipif(compiler() is None, reason="needs a C++ compiler")
CELLS, DAYS, SLOTS = 11, 40, 3  # a vector has 8 lanes in double precision: the second is not full


def prologue(par, cell, tile):
    return Vars(
        rate=par.rate,
        size=par.size * cell.porosity * tile.scale,
        shape=torch.sqrt(par.shape + 1.0),
        fixed=0.0 * par.rate + 2.0,
    )


def cold_start(cell, layer):
    return Vars(store=0.5 * layer.size, snow=0.0 * layer.size)


def day(state, layer, weather, tile, cell):
    zero = 0.0 * state.store
    cold = weather.prec * tile.green < 0.4

    def freeze(s, c):
        # a logarithm that lanes without frost do not allow
        depth = torch.log(0.41 - c.prec * c.green) * c.layer.rate

        def grow(k, step):
            thin = k.snow < 1.0
            more = only_where(thin, lambda x, y: x.replace(snow=x.snow + y.step), k, c)
            return more.replace(snow=more.snow + 0.1 * torch.expm1(-0.1 * depth / c.layer.shape))

        inner = repeat(3, grow, Vars(snow=s.snow), None)
        return s.replace(snow=inner.snow * (1.0 + 0.01 * s.store / c.layer.size))

    context = Vars(prec=weather.prec, green=tile.green, layer=layer, step=weather.prec * 0.3)
    after = only_where(cold, freeze, state.replace(runoff=zero), context)

    def hour(c, step):
        wet = torch.maximum(c.store / layer.size, 0.0 * c.store + 0.05)
        power = torch.exp(layer.shape * torch.log(wet))
        warm = torch.where(step.warmth > 0.2, step.warmth + zero, zero)
        melt = torch.minimum(c.snow, warm * layer.rate)
        leak = torch.log1p(layer.rate * power) * (1.0 / layer.fixed)
        series = repeat(
            4,
            lambda k, _: Vars(power=k.power * wet, total=k.total + k.power),
            Vars(power=0.0 * wet + 1.0, total=0.0 * wet),
        )
        store = c.store + melt + weather.prec / 3.0 - leak - 0.01 * series.total
        spill = torch.maximum(store - layer.size, zero)
        # a root found without derivatives, and one step of Newton's that has them
        still = torch.sqrt(detach(Vars(x=store)).x + 9.0)
        root = still - (still * still - store - 9.0) / (2.0 * still)
        return c.replace(
            store=store - spill,
            snow=c.snow - melt,
            runoff=c.runoff + spill + leak * root,
        )

    end = repeat(3, hour, after, Vars(warmth=weather.warmth))
    new = Vars(store=end.store, snow=end.snow)
    return new, Vars(moisture=end.store / layer.size, runoff=end.runoff, snow=end.snow + 0.0 * zero)


PHYSICS = Physics(
    parameters=("rate", "size", "shape"),
    state=("store", "snow"),
    outputs=("moisture", "runoff", "snow"),
    weather=("prec", "warmth"),
    stepped=("warmth",),
    steps=3,
    cell=("porosity",),
    tile=("scale",),
    monthly=("green",),
    prologue=prologue,
    cold_start=cold_start,
    day=day,
)


def loop_of(fused=True, **options):
    random = torch.Generator().manual_seed(3)

    def draw(*shape):
        return torch.rand(*shape, generator=random, dtype=torch.float64)

    area = torch.tensor([[1.0, 0.5, 0.2]], dtype=torch.float64).T.repeat(1, CELLS)
    area[:, ::2] = torch.tensor([[0.7], [0.3], [0.0]], dtype=torch.float64)
    area[:, 1] = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
    tables = {
        "cell": draw(CELLS, 1) + 0.5,
        "tile": draw(SLOTS, CELLS, 1) + 0.5,
        "monthly": draw(SLOTS, 12, CELLS, 1),
        "area": area / area.sum(0),
        "months": torch.arange(DAYS) // 10,
        "likeness": draw(CELLS),
    }
    outputs = options.pop("outputs", ("moisture", "runoff"))
    return Loop(PHYSICS, draw(CELLS, DAYS, 4), outputs, fused=fused, **tables | options)


def parameters_of(samples=2, cells=CELLS):
    random = torch.Generator().manual_seed(4)
    unit = torch.rand(samples, cells, 3, generator=random, dtype=torch.float64)
    return torch.tensor([0.1, 2.0, 0.2]) + unit * torch.tensor([0.5, 3.0, 2.0])


def state_of(samples=2, cells=CELLS):
    random = torch.Generator().manual_seed(5)
    return torch.rand(samples, cells, SLOTS, 2, generator=random, dtype=torch.float64)


def results_of(loop, state=None, window=range(2, 33), index=None, samples=2):
    """Outputs, last state, and derivatives of a weighted sum of both."""
    index = torch.arange(CELLS) if index is None else index
    given = parameters_of(samples, len(index)).requires_grad_()
    weather = loop.weather.clone().requires_grad_()
    out, last = loop.run(given, index, window, state, first_out=4, weather=weather)
    random = torch.Generator().manual_seed(6)
    weights = [torch.randn(x.shape, generator=random, dtype=torch.float64) for x in (out, last)]
    loss = (out * weights[0]).sum() + (last * weights[1]).sum()
    wanted = [given, weather] if state is None else [given, weather, state]
    return out, last, *torch.autograd.grad(loss, wanted)


def close(ours, theirs):
    assert all(x.abs().sum() > 0 for x in theirs)
    return all(torch.allclose(a, b, rtol=1e-9, atol=1e-11) for a, b in zip(ours, theirs))


def test_the_compiled_loop_equals_the_eager_one_from_a_cold_start():
    assert close(results_of(loop_of()), results_of(loop_of(fused=False)))


def test_and_from_a_given_state_to_which_derivatives_flow():
    ours = results_of(loop_of(), state_of().requires_grad_())
    theirs = results_of(loop_of(fused=False), state_of().requires_grad_())
    assert close(ours, theirs)


def test_some_cells_in_any_order_one_of_them_twice():
    index = torch.tensor([7, 0, 3, 3])
    ours = results_of(loop_of(), index=index)
    assert close(ours, results_of(loop_of(fused=False), index=index))


def test_derivatives_are_the_same_however_few_days_keep_their_state(monkeypatch):
    whole = results_of(loop_of())
    monkeypatch.setattr(compiled, "KEPT_BYTES", 2000)
    assert close(results_of(loop_of()), whole)


def test_gradcheck():
    loop = loop_of()
    index = torch.tensor([1, 2, 5])

    def run(parameters, state):
        out, last = loop.run(parameters, index, range(12), state)
        return out.sum((-1, -2)), last

    inputs = parameters_of(1, 3).requires_grad_(), state_of(1, 3).requires_grad_()
    assert torch.autograd.gradcheck(run, inputs, eps=1e-7, atol=1e-5, rtol=1e-4)


def test_without_derivatives_no_states_are_kept(monkeypatch):
    kept = []
    forward = compiled.Run.forward
    monkeypatch.setattr(
        compiled.Run, "forward", lambda run: kept.append(run.task.kept) or forward(run)
    )
    loop, parameters = loop_of(), parameters_of().requires_grad_()
    loop.run(parameters, torch.arange(CELLS), range(3))
    with torch.no_grad():
        loop.run(parameters, torch.arange(CELLS), range(3))
    loop.run(parameters.detach(), torch.arange(CELLS), range(3))
    assert kept[0]
    assert kept[1:] == [None, None]


def test_tables_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="no output drought; it has moisture, runoff, snow"):
        loop_of(outputs=("drought",))
    with pytest.raises(ValueError, match=r"tile: shape none, the model expects \(3, 11, 1\)"):
        loop_of(tile=None)
    with pytest.raises(ValueError, match=r"defaults: shape none"):
        loop_of(free=("rate",))
    loop = loop_of()
    with pytest.raises(ValueError, match=r"weather: shape \(3,\), the model expects \(11, 40, 4\)"):
        loop.run(parameters_of(), torch.arange(CELLS), range(3), weather=torch.ones(3))


def test_a_model_without_tiles_or_months_is_one_tile_of_each_cell():
    bucket = Physics(
        parameters=("rate",),
        state=("store",),
        outputs=("flow",),
        weather=("prec",),
        cold_start=lambda cell, layer: Vars(store=0.0 * layer.rate),
        day=lambda state, layer, weather, tile, cell: (
            Vars(store=(state.store + weather.prec) * (1.0 - layer.rate)),
            Vars(flow=(state.store + weather.prec) * layer.rate),
        ),
    )
    rain = torch.tensor([[4.0, 0.0, 2.0], [0.0, 8.0, 0.0]])[..., None]
    rate = torch.tensor([[[0.5], [0.25]]]).requires_grad_()
    out, last = Loop(bucket, rain, ("flow",)).run(rate, torch.arange(2), range(3))
    assert out[0, ..., 0].tolist() == [[2.0, 1.0, 1.5], [0.0, 2.0, 1.5]]
    assert last.flatten().tolist() == [1.5, 4.5]
    out.sum().backward()
    # of what fell, (1 - rate) to the power of the days since is left
    assert rate.grad.flatten().tolist() == [4 * 3 * 0.5**2 + 2, 8 * 2 * 0.75]


def test_parameters_that_are_not_free_keep_their_defaults():
    index, all_of = torch.arange(CELLS), parameters_of(1)
    whole, _ = loop_of().run(all_of, index, range(9))
    part = loop_of(free=("shape", "rate"), defaults=all_of[0])
    assert torch.equal(part.run(all_of[..., [2, 0]], index, range(9))[0], whole)
