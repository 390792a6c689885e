"""Learn parameters through the surrogate so far, to see where its next samples are needed."""

from pathlib import Path

from parlearn import contracts, outputs
from parlearn.job import job, pick_device
from parlearn.learn.dpl import learn_dpl
from parlearn.learn.settings import Settings
from parlearn.models.surrogate import Surrogate
from parlearn.provenance import stamp
from parlearn.study import load_study

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    params, pilot = snakemake.params, snakemake.params.pilot
    device = pick_device(params.device)
    domain = contracts.read(snakemake.input.domain, "domain")
    forcing = contracts.read(snakemake.input.forcing, "forcing")
    study = load_study(
        domain,
        forcing,
        contracts.read(snakemake.input.training, "training"),
        sampling=pilot["sampling"],
        period=pilot["period"],
        span=pilot["span"],
    ).to(device)
    folder = Path(snakemake.input.surrogate[0]).parent
    model = Surrogate.load(folder, domain, forcing).to(device)
    settings = Settings.from_dict(pilot["settings"])
    result = learn_dpl(pilot["method"], study, model, settings, seed=pilot["seed"])
    learned = outputs.parameters_dataset(
        model.space, result.parameters, result.slope, result.offset
    )
    provenance = stamp(snakemake.rule, snakemake.input, params.items(), pilot["seed"], device)
    contracts.write(learned, snakemake.output[0], "parameters", provenance)
