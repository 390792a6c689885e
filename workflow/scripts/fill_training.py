"""Fill the gaps of soil moisture in the training periods; judge it on observations withheld."""

from pathlib import Path

from parlearn.gaps.fill import fill_training
from parlearn.gaps.network import FillSettings
from parlearn.storage import contracts
from parlearn.storage.device import pick_device
from parlearn.storage.files import write_json
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar
from parlearn.storage.unchanged import checksum

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    device = pick_device(params.device)
    settings = FillSettings.from_dict(params.gap_filling)
    checkpoint = Path(snakemake.output.card).with_suffix(".checkpoint")
    filled, card = fill_training(
        contracts.read(snakemake.input.domain, "domain"),
        contracts.read(snakemake.input.forcing, "forcing"),
        contracts.read(snakemake.input.training, "training"),
        snakemake.wildcards.sampling,
        params.periods,
        settings,
        device=device,
        checkpoint=checkpoint,
        identity={"code": params.code, "inputs": [checksum(path) for path in snakemake.input]},
    )
    for period, entry in card["periods"].items():
        log.info("%s: %d values filled beside %d", period, entry["filled"], entry["observed"])
        for cells, rows in entry["scores"].items():
            for row in rows:
                errors = {name: row[name]["rmse"] for name in row if name not in ("gap", "days")}
                log.info("RMSE, %s, gap %s, %d days: %s", cells, row["gap"], row["days"], errors)
    provenance = stamp(snakemake.rule, snakemake.input, params.items(), settings.seed, device)
    contracts.write(filled, snakemake.output.training, "training", provenance)
    write_json(card, snakemake.output.card)
    write_sidecar(snakemake.output.card, provenance)
    for state in checkpoint.parent.glob(f"{checkpoint.name}-*.pt"):
        state.unlink()
