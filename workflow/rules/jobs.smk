# What jobs would make each file now, as the audit and repeated runs want to know it.

RUN_FOLDER = f"{CONFIG['results']}/runs"
AUDIT_FOLDER = f"{CONFIG['results']}/audit"


def expanded(path):
    """Rule that makes a file, with its wildcards, inputs, outputs and parameters; None without one."""
    for made_by in workflow.rules:
        if not any(output.match(path) for output in made_by.output):
            continue
        wildcards = Wildcards(fromdict=made_by.get_wildcards(path))
        inputs, outputs = made_by.expand_input(wildcards)[0], made_by.expand_output(wildcards)[0]
        params = made_by.expand_params(wildcards, inputs, outputs, None)[0]
        return made_by, wildcards, inputs, outputs, params


def job_of(path):
    """The job that makes a file: rule, code, settings, inputs, outputs; None where no rule does."""
    if (found := expanded(path)) is None:
        return None
    made_by, wildcards, inputs, outputs, params = found
    params = dict(params.items())
    return {
        "rule": made_by.name,
        "wildcards": dict(wildcards.items()),
        "code": params.get("code", ""),
        "settings": settings(params),
        # what an ancient input holds does not matter
        "inputs": [str(path) for path in inputs if not path.is_ancient],
        "outputs": [str(path) for path in outputs],
        "before": [str(path) for path in inputs],
    }


def all_jobs(wildcards):
    """The jobs behind all targets of the configuration, and behind files of runs that are there."""
    waiting = [str(path) for path in workflow.get_rule("all").expand_input(Wildcards())[0]]
    waiting += [str(path) for path in Path(RUN_FOLDER).glob("*/*")]
    known, jobs = set(), []
    while waiting:
        path = waiting.pop()
        if path not in known and (job := job_of(path)):
            waiting += job.pop("before")
            jobs.append(job)
            known |= {*job["outputs"]}
        known.add(path)
    return jobs


def as_it_is(rule):
    """Input of a rule: the files that are there, by the names that the rule has for them."""

    def files(wildcards):
        inputs = workflow.get_rule(rule).expand_input(wildcards)[0]
        return {
            name: (
                str(Path(value).absolute())
                if isinstance(value, str)
                else [str(Path(path).absolute()) for path in value]
            )
            for name, value in inputs.items()
        }

    return files


def repeated(wildcards):
    """Run -> names of its files, of the runs to repeat: as configured, or the cheapest of a kind."""
    runs = CONFIG.get("audit", {}).get("rerun") or cheapest(
        LEARNED_BY, f"{CONFIG['results']}/benchmarks", RUN_FOLDER
    )
    if not runs:
        raise WorkflowError(f"there is no run in {RUN_FOLDER} to repeat: make some first")
    jobs = {run: job_of(f"{RUN_FOLDER}/{run}/parameters.nc") for run in runs}
    return {
        run: [str(Path(path).relative_to(f"{RUN_FOLDER}/{run}")) for path in job["outputs"]]
        for run, job in jobs.items()
    }


def redone(wildcards):
    """What a script needs to be run again, of each job that takes seconds and whose files are there."""
    paths = [f"{RUN_FOLDER}/{run}/metrics.nc" for run in repeated(wildcards)]
    for job in all_jobs(wildcards):
        if Path(workflow.get_rule(job["rule"]).script or "").stem in REDONE:
            paths.append(job["outputs"][0])
    calls = []
    for made_by, _, inputs, outputs, params in filter(None, map(expanded, paths)):
        if any(Path(path).is_file() for path in outputs):
            calls.append(
                {
                    "rule": made_by.name,
                    "script": str(ROOT / "workflow/scripts" / Path(made_by.script).name),
                    "input": InputFiles(toclone=inputs, plainstr=True),
                    "output": OutputFiles(toclone=outputs, plainstr=True),
                    "params": params,
                }
            )
    return calls
