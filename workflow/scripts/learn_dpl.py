"""Learn parameters of all cells at once by gradients through the surrogate or direct."""

from pathlib import Path

from parlearn.calibrate.line import read_line
from parlearn.learn.apply import save_network
from parlearn.plan.methods import METHODS
from parlearn.runs import outputs
from parlearn.runs.opening import open_run
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar
from parlearn.storage.unchanged import checksum

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, run = snakemake.params, snakemake.params.run
    _, study, model, default, device = open_run(
        snakemake.input, run, model=params.model, device=params.device
    )
    learner = METHODS[run["method"]].load()
    settings = learner.Settings.from_dict(
        {
            **run["settings"],
            "observation_map": run["observation_map"],
            "targets": dict.fromkeys(run["targets"], 1.0),
        }
    )
    result = learner.learn(
        run["method"],
        study,
        model,
        settings,
        seed=run["seed"],
        start=default,
        line=read_line(snakemake.input.line),
        checkpoint=Path(snakemake.output.parameters).with_name("checkpoint.pt"),
        identity={"code": params.code, "inputs": [checksum(path) for path in snakemake.input]},
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
    save_network(
        Path(snakemake.output.network).parent,
        result,
        method=run["method"],
        study=study,
        space=model.space,
        settings=settings,
    )
    for name in ("history", "network", "card"):
        write_sidecar(snakemake.output[name], provenance)
    Path(snakemake.output.parameters).with_name("checkpoint.pt").unlink(missing_ok=True)
