"""The twin of basins: files of CAMELS, read back as real ones are; a model makes its flow."""

import numpy as np
import pytest
import torch

from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.parameter import Parameter
from parlearn.plan.basins import TWIN
from parlearn.sources import basins as study
from parlearn.sources import camels
from parlearn.sources.build import cut_truth
from parlearn.sources.records import names_in
from parlearn.sources.twin.basins import BasinTwin, invent, publish, true_run
from parlearn.storage import contracts

SOURCE = {
    "name": "twin_basins",
    "basins": 9,
    "years": 2,
    "start": "1999-10-01",
    "seed": 3,
    "flow_noise": 0.05,
}
RECORD = ("1999-10-01", "2001-09-30")


class Tank(ProcessModel):
    """Rain fills it, a share of what it holds runs off each day."""

    space = ParameterSpace([Parameter("recession", "day-1", 0.01, 0.5, "log")])
    warmup = 0

    def __init__(self, domain, forcing, outputs):
        self.outputs = tuple(outputs)
        self.rain = torch.from_numpy(forcing["prec"].values)
        self.n_cells, self.n_days = self.rain.shape
        assert domain.sizes["cell"] == self.n_cells

    def simulate(self, parameters, cells=None, days=None):
        held, flow = torch.zeros(self.n_cells), []
        for day in range(self.n_days):
            held = held + self.rain[:, day]
            flow.append(parameters[..., 0] * held)
            held = held - flow[-1]
        return torch.stack(flow, -1)[..., None]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    twin = BasinTwin.from_mapping(SOURCE)
    land, written = invent(twin, folder)
    truth = true_run(twin, land, folder, RECORD, Tank)
    written += publish(twin, truth, folder)
    basins = camels.read_basins(folder, camels.file_names(names_in(folder), TWIN), TWIN, RECORD)
    return twin, folder, truth, basins, written


def test_it_publishes_what_camels_has(made):
    twin, folder, truth, basins, written = made
    contracts.check(truth, "truth.nc", "truth")
    contracts.check(basins, "basins.nc", "basins")
    assert sorted(p.relative_to(folder).as_posix() for p in written) == names_in(folder)
    assert len(written) == 2 * 9 + 5
    assert (basins["reason"] == "").all()
    assert (basins["note"] == "").all()
    assert len({*basins["region"].values.tolist()}) > 1


def test_streamflow_is_the_truth_with_its_error_and_gaps(made):
    twin, _, truth, basins, _ = made
    seen, true = basins["streamflow"].values, truth["streamflow"].values
    there = np.isfinite(seen)
    assert 0.01 < (~there).mean() < 0.03
    big = there & (true > 0.5)
    error = np.log(seen[big] / true[big])
    assert error.std() == pytest.approx(twin.flow_noise, rel=0.1)
    assert abs(error.mean()) < 0.01


def test_the_model_with_its_true_parameters_gives_what_was_published(made):
    """The weather a learner gets is the weather of the truth."""
    twin, _, truth, basins, _ = made
    table = study.coverage(basins, RECORD)
    domain = study.build_domain(basins, table, RECORD, {"all": {}}, 1)
    forcing = study.build_forcing(basins, domain, RECORD)
    cut = cut_truth(truth, domain)
    parameters = torch.from_numpy(cut["parameters"].values.T.copy())
    run = Tank(domain, forcing, ("streamflow",)).simulate(parameters)[..., 0].numpy()
    np.testing.assert_allclose(run, cut["streamflow"], rtol=1e-5, atol=1e-6)
    recession = truth["parameters"].sel(parameter="recession").values
    assert recession.max() > 2 * recession.min()
    # a basin that is left out is left out of the truth, by its name
    fewer = domain.isel(cell=[4, 2])
    assert cut_truth(truth, fewer)["gauge"].values.tolist() == [
        domain["gauge"].values[4],
        domain["gauge"].values[2],
    ]


def test_same_settings_same_twin(made, tmp_path):
    twin, folder, truth, _, _ = made
    land, _ = invent(twin, tmp_path)
    again = true_run(twin, land, tmp_path, RECORD, Tank)
    np.testing.assert_array_equal(again["streamflow"], truth["streamflow"])
    publish(twin, again, tmp_path)
    for name in names_in(folder):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_a_model_that_gives_no_sensible_streamflow_is_refused(made, tmp_path):
    class Broken(Tank):
        def simulate(self, parameters, cells=None, days=None):
            return -super().simulate(parameters)

    twin = made[0]
    land, _ = invent(twin, tmp_path)
    with pytest.raises(ValueError, match="gave streamflow that cannot be"):
        true_run(twin, land, tmp_path, RECORD, Broken)
