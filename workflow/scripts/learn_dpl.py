"""Learn parameters of all cells at once by gradients through the surrogate or VIC itself."""

from pathlib import Path

from parlearn import contracts, outputs
from parlearn.files import sha256
from parlearn.job import job
from parlearn.learn.apply import save_network
from parlearn.learn.dpl import learn_dpl
from parlearn.learn.settings import Settings
from parlearn.models.vic import default_parameters
from parlearn.opening import device_of, open_model
from parlearn.provenance import stamp, write_sidecar
from parlearn.study import load_study

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    params, run = snakemake.params, snakemake.params.run
    device = device_of(run["model"], params.device)
    domain = contracts.read(snakemake.input.domain, "domain")
    forcing = contracts.read(snakemake.input.forcing, "forcing")
    study = load_study(
        domain,
        forcing,
        contracts.read(snakemake.input.training, "training"),
        sampling=run["sampling"],
        period=run["period"],
        span=run["span"],
        targets=run["targets"],
    ).to(device)
    surrogate = snakemake.input.surrogate
    model = open_model(
        run["model"],
        domain,
        forcing,
        parameters=params.parameters,
        surrogate=Path(surrogate[0]).parent if surrogate else None,
        device=device,
    )
    settings = Settings.from_dict(
        {
            **run["settings"],
            "observation_map": run["observation_map"],
            "targets": dict.fromkeys(run["targets"], 1.0),
        }
    )
    result = learn_dpl(
        run["method"],
        study,
        model,
        settings,
        seed=run["seed"],
        start=default_parameters(domain, model.space.names),
        checkpoint=Path(snakemake.output.parameters).with_name("checkpoint.pt"),
        identity={"code": params.code, "inputs": [sha256(path) for path in snakemake.input]},
    )
    log.info("%s; best epoch %d", result.stopped, result.best_epoch)
    provenance = stamp(snakemake.rule, snakemake.input, params.items(), run["seed"], device)
    learned = outputs.parameters_dataset(
        model.space, result.parameters, result.slope, result.offset
    )
    contracts.write(learned, snakemake.output.parameters, "parameters", provenance)
    trajectory = outputs.trajectory_dataset(model.space, **vars(result.trajectory))
    contracts.write(trajectory, snakemake.output.trajectory, "trajectory", provenance)
    contracts.write_table(
        outputs.history_table(result.history), snakemake.output.history, "history"
    )
    write_sidecar(snakemake.output.history, provenance)
    save_network(
        Path(snakemake.output.network).parent,
        result,
        method=run["method"],
        study=study,
        space=model.space,
        settings=settings,
    )
    Path(snakemake.output.parameters).with_name("checkpoint.pt").unlink(missing_ok=True)
