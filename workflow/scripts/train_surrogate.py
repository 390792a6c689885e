"""Fit the surrogate on all samples so far; judge it on parameter sets it has not seen."""

from pathlib import Path

import numpy as np

from parlearn.models.assembly import assembly_of
from parlearn.models.surrogate.fit import (
    gather_samples,
    judge_surrogate,
    median_skill,
    spans_outside,
)
from parlearn.plan.surrogates import SURROGATES
from parlearn.runs.opening import space_of
from parlearn.storage import contracts
from parlearn.storage.device import pick_device
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    device, kind = pick_device(params.device), SURROGATES[snakemake.wildcards.kind]
    training = kind.load_training()
    settings = dict(params.surrogate)
    seed, held_out = settings.pop("seed"), settings.pop("held_out")
    domain = contracts.read(snakemake.input.domain, "domain")
    forcing = contracts.read(snakemake.input.forcing, "forcing")
    space, outputs = space_of(params.model), assembly_of(params.model).targets
    batches = [contracts.read(path, "samples") for path in snakemake.input.samples]
    seen, unseen = gather_samples(batches, space, outputs).split(
        held_out, rounds=int(snakemake.wildcards.round)
    )

    # The weather of the test period is kept from the surrogate too, so that it can be judged there.
    first, last = (np.datetime64(day) for day in params.test)
    time = forcing["time"].values
    test = slice(int(np.searchsorted(time, first)), int(np.searchsorted(time, last, side="right")))
    earlier = None
    if snakemake.input.earlier:
        earlier = kind.load().Surrogate.load(
            Path(snakemake.input.earlier[0]).parent, domain, forcing
        )
    folder = Path(snakemake.output.weights).parent
    surrogate = training.fit_surrogate(
        domain,
        forcing,
        seen,
        space,
        training.SurrogateSettings(**settings),
        spans=spans_outside(time, params.test),
        seed=seed,
        device=device,
        start=earlier,
        checkpoint=folder.with_name(f"{folder.name}.checkpoint"),
    )
    skill = judge_surrogate(surrogate, unseen, test)
    surrogate.card["skill"] = median_skill(skill)
    log.info("medians over cells, unseen sets, test period: %s", surrogate.card["skill"])
    provenance = stamp(snakemake.rule, snakemake.input, params.items(), seed, device)
    surrogate.save(folder)
    for name in ("weights", "scaler", "card"):
        write_sidecar(snakemake.output[name], provenance)
    contracts.write(skill, snakemake.output.skill, "skill", provenance)
