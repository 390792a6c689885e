"""A small twin with its data, for the benchmarks that need a whole study."""

from types import SimpleNamespace

import torch

from parlearn.models.vic.model import VIC
from parlearn.sources.twin import TwinConfig, build_inputs, build_truth
from parlearn.study.splits import keep_used
from parlearn.study.tensors import load_study
from parlearn.study.training import cut_training

PARAMETERS = ("infilt", "Ds", "Dsmax", "Ws", "expt")
OUTPUTS = ("soil_moisture", "evapotranspiration")
SPAN, TEST = ("2015-04-01", "2016-03-31"), ("2016-04-01", "2017-03-31")


def build():
    """Domain, forcing, observations, VIC and the study of one twin (32 x 40, s4, one year of
    training).
    """
    torch.set_num_threads(1)
    config = TwinConfig.from_mapping({"rows": 32, "cols": 40, "years": 2, "seed": 1})
    domain, forcing = keep_used(*build_inputs(config, {"s4": 4}, SPAN[1], 1))
    truth_model = VIC(domain, forcing, names=PARAMETERS, outputs=(*OUTPUTS, "swe"))
    _, observations = build_truth(config, domain, forcing, truth_model)
    training = cut_training(observations, {"one_year": SPAN}, ["soil_moisture"])
    study = load_study(
        domain,
        forcing,
        training,
        sampling="s4",
        period="one_year",
        span=SPAN,
        targets=["soil_moisture"],
    )
    model = VIC(domain, forcing, names=PARAMETERS, outputs=OUTPUTS, threads=1)
    return SimpleNamespace(
        domain=domain, forcing=forcing, observations=observations, study=study, model=model
    )
