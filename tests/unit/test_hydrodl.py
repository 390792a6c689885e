"""The reader of the hydroDL database, on small databases of invented numbers in its layout."""

import numpy as np
import pytest
import xarray as xr

from parlearn.land.subdaily import pressure_from_elevation
from parlearn.sources import hydrodl
from parlearn.sources.csvgrid import DatabaseError
from parlearn.storage import contracts

N = 30
YEARS = [2015, 2016]
TRAINING = ("2015-04-01", "2016-03-31")
SHARES = {"d4": 0.25, "all": 1.0}


def days_of(year):
    return np.arange(f"{year}-04-01", f"{year + 1}-04-01", dtype="datetime64[D]")


def write(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, values, delimiter=",", fmt="%.7g")


@pytest.fixture
def database(tmp_path):
    """30 cells on six rows and five columns, two years."""
    rng = np.random.default_rng(7)
    folder = tmp_path / "CONUSv4f1"
    lat, lon = (v.ravel() for v in np.meshgrid(np.linspace(47, 31, 6), np.linspace(-118, -80, 5)))
    write(folder / "crd.csv", np.stack([lat, lon], axis=-1))
    sand, clay = rng.uniform(20, 60, N), rng.uniform(10, 35, N)
    constants = {
        "Sand": sand,
        "Clay": clay,
        "Silt": 100 - sand - clay,
        "Bulk": rng.uniform(1.1, 1.5, N),
        "Capa": rng.uniform(8, 20, N),
        "NDVI": rng.uniform(0.05, 0.6, N),
        "flag_albedo": rng.uniform(0.03, 0.07, N),
        "flag_roughness": rng.uniform(0.1, 0.16, N),
        "flag_vegDense": rng.uniform(0, 1, N),
        "flag_waterbody": rng.uniform(0, 0.1, N),
        "flag_landcover": rng.choice([1, 4, 5, 7, 8, 10, 12, 14], N),
        "flag_extraOrd": np.zeros(N),
    }
    for name, values in constants.items():
        write(folder / "const" / f"{name}.csv", values)
    for year in YEARS:
        days = days_of(year)
        shape = (N, days.size)
        season = np.cos(2 * np.pi * (np.arange(days.size) - 105) / 365)
        write(folder / f"{year}/time.csv", days.astype(int) + 719529)
        forcing = {
            "APCP_FORA": rng.gamma(0.3, 0.3, shape),
            "TMP_2_FORA": 283 + 14 * season + rng.normal(0, 2, shape),
            "SPFH_2_FORA": 0.006 + 0.004 * season + rng.uniform(0, 1e-3, shape),
            "DLWRF_FORA": 300 + 40 * season + rng.normal(0, 5, shape),
            "DSWRF_FORA": 180 + 100 * season + rng.uniform(0, 30, shape),
            "UGRD_10_FORA": rng.normal(0, 3, shape),
            "VGRD_10_FORA": rng.normal(0, 3, shape),
        }
        for name, values in forcing.items():
            write(folder / f"{year}/{name}.csv", values)
        seen = rng.random(shape) < 0.4
        moisture = np.where(seen, rng.uniform(0.05, 0.45, shape), -9999)
        write(folder / f"{year}/SMAP_AM.csv", moisture)
    return folder


def change(folder, name, where, value):
    """Put a value into a file of the database."""
    table = np.loadtxt(folder / name, delimiter=",", ndmin=2)
    table[where] = value
    write(folder / name, table)


def domain_of(folder, **options):
    return hydrodl.build_domain(folder, YEARS, TRAINING, SHARES, seed=0, **options)


def test_the_three_files_hold_their_contracts(database):
    domain = domain_of(database)
    forcing = hydrodl.build_forcing(database, YEARS, domain)
    observations = hydrodl.build_observations(database, YEARS, domain)
    contracts.check(domain, "domain.nc", "domain")
    contracts.check(forcing, "forcing.nc", "forcing")
    contracts.check(observations, "observations.nc", "observations")
    assert domain.sizes["cell"] == N
    assert domain.attrs["excluded"] == "none"
    xr.testing.assert_equal(forcing.time, observations.time)
    assert len(set(domain.attribute.values)) == domain.sizes["attribute"]
    assert not {"lat", "lon", "elevation"} & set(domain.attribute.values)


def test_rows_are_cells_in_the_order_of_the_coordinates(database):
    domain = domain_of(database)
    crd = np.loadtxt(database / "crd.csv", delimiter=",")
    np.testing.assert_allclose(domain.lat, crd[:, 0])
    np.testing.assert_allclose(domain.lon, crd[:, 1])
    sand = domain.attributes.sel(attribute="sand")
    np.testing.assert_allclose(sand, np.loadtxt(database / "const/Sand.csv"), rtol=1e-5)
    # rows count from the north, columns from the west
    assert (domain.row.values[[0, -1]] == [0, 5]).all()
    assert (domain.col.values[[0, -1]] == [0, 4]).all()


def test_units_of_the_forcing(database):
    domain = domain_of(database)
    forcing = hydrodl.build_forcing(database, YEARS, domain)
    record = forcing.sel(time=slice("2015-04-01", None))

    def raw(name):
        return np.concatenate(
            [np.loadtxt(database / f"{y}/{name}.csv", delimiter=",") for y in YEARS], axis=1
        )

    np.testing.assert_allclose(record.prec, 24 * raw("APCP_FORA"), rtol=1e-5)
    np.testing.assert_allclose(record.tair, raw("TMP_2_FORA") - 273.15, atol=1e-3)
    np.testing.assert_allclose(
        record.pressure[:, 0], pressure_from_elevation(domain.elev), rtol=1e-5
    )
    humidity = 0.622 * record.vp / (record.pressure - 0.378 * record.vp)
    np.testing.assert_allclose(humidity, raw("SPFH_2_FORA"), rtol=1e-4)
    assert record.wind.min() >= 0.5


def test_spinup_is_the_first_year_dated_one_year_earlier(database):
    domain = domain_of(database)
    forcing = hydrodl.build_forcing(database, YEARS, domain)
    observations = hydrodl.build_observations(database, YEARS, domain)
    assert forcing.attrs["record_start"] == "2015-04-01"
    assert forcing.sizes["time"] == 365 + 366 + 365
    assert str(forcing.time.values[0])[:10] == "2014-04-01"
    for lent, own in (("2014-04-01", "2015-04-01"), ("2015-03-31", "2016-03-31")):
        for name in ("prec", "tair", "swdown", "vp"):
            np.testing.assert_array_equal(
                forcing[name].sel(time=lent), forcing[name].sel(time=own), err_msg=name
            )
    # 1 March follows 28 February in the spin-up and 29 February in the leap year itself
    np.testing.assert_array_equal(
        forcing.prec.sel(time="2015-03-01"), forcing.prec.sel(time="2016-03-01")
    )
    spinup = observations.soil_moisture.sel(time=slice(None, "2015-03-31"))
    assert spinup.isnull().all()
    assert observations.attrs["observations"] == observations.soil_moisture.notnull().sum()


def test_spinup_with_a_leap_day_its_year_has_not():
    dates = np.arange("2016-04-01", "2018-04-01", dtype="datetime64[D]")
    timeline, source = hydrodl._with_spinup(dates)
    assert timeline.size == 366 + 730
    leap_day = np.flatnonzero(timeline == np.datetime64("2016-02-29"))[0]
    assert dates[source[leap_day]] == np.datetime64("2017-02-28")


def test_a_cell_without_soil_and_one_without_observations_are_left_out_and_counted(database):
    for name in hydrodl.SOIL:
        change(database, f"const/{name}.csv", 3, -9999)
    change(database, "2015/SMAP_AM.csv", 8, -9999)
    change(database, "const/flag_landcover.csv", 20, 17)
    table = hydrodl.coverage(database, YEARS, TRAINING)
    assert list(np.flatnonzero(~table.kept)) == [3, 8, 20]
    assert list(table.reason[~table.kept]) == [
        "no soil data",
        "no observation in 2015-04-01..2016-03-31",
        "no vegetation class for land cover 17",
    ]
    assert table.observations_training[8] == 0 < table.observations_later[8]
    domain = domain_of(database)
    assert domain.sizes["cell"] == N - 3
    assert domain.attrs["cells_in_source"] == N
    assert "line 3 (" in domain.attrs["excluded"]
    assert not {3, 8, 20} & set(domain.source_row.values)
    forcing = hydrodl.build_forcing(database, YEARS, domain)
    observations = hydrodl.build_observations(database, YEARS, domain)
    assert forcing.sizes["cell"] == observations.sizes["cell"] == N - 3
    prec = np.loadtxt(database / "2016/APCP_FORA.csv", delimiter=",")
    np.testing.assert_allclose(forcing.prec[:, -1], 24 * prec[domain.source_row, -1], rtol=1e-5)


def test_no_usable_cell_at_all(database):
    change(database, "const/Clay.csv", slice(None), -9999)
    with pytest.raises(DatabaseError, match="none of 30 cells can be used.*no soil data"):
        domain_of(database)


def test_attributes_know_nothing_of_the_test_year(database):
    before = domain_of(database)
    for name in ("APCP_FORA", "TMP_2_FORA", "DSWRF_FORA", "DLWRF_FORA", "SMAP_AM"):
        table = np.loadtxt(database / f"2016/{name}.csv", delimiter=",")
        write(database / f"2016/{name}.csv", np.roll(table, 100, axis=1))
    xr.testing.assert_identical(before, domain_of(database))


def test_missing_forcing_is_an_error_that_names_it(database):
    change(database, "2016/TMP_2_FORA.csv", (4, 10), -9999)
    change(database, "2016/TMP_2_FORA.csv", (5, 11), np.nan)
    with pytest.raises(DatabaseError, match="TMP_2_FORA has 2 missing values.*line 4, day 376"):
        domain_of(database)


def drop_last_row(path):
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")


def drop_last_column(path):
    lines = path.read_text().splitlines()
    path.write_text("".join(line.rpartition(",")[0] + "\n" for line in lines))


def cut(path):
    path.write_bytes(path.read_bytes()[:-1000])


def cut_at_a_line_end(path):
    text = path.read_text()
    path.write_text(text[: text.rindex("\n", 0, len(text) // 2)] + "\n")


def spoil(path):
    path.write_text(path.read_text().replace(",", ",n/a,", 1))


def transpose(path):
    write(path, np.loadtxt(path, delimiter=",").T)


def half_line(path):
    lines = path.read_text().splitlines()
    lines[5] = lines[5][: len(lines[5]) // 2]
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("2015/DSWRF_FORA.csv", lambda p: p.unlink(), "is missing: fetch the database again"),
        ("2015/DSWRF_FORA.csv", cut, "ends within a line"),
        ("2015/DSWRF_FORA.csv", cut_at_a_line_end, r"needed are 30 of 366; it is truncated"),
        ("2015/DSWRF_FORA.csv", drop_last_row, "has 29 lines"),
        ("2016/APCP_FORA.csv", drop_last_column, "364 values .days., needed are 30 of 365"),
        ("2016/APCP_FORA.csv", transpose, "rows and columns are swapped"),
        ("2016/APCP_FORA.csv", spoil, "no table of numbers.*n/a"),
        ("2016/APCP_FORA.csv", half_line, "no table of numbers"),
        ("2016/APCP_FORA.csv", lambda p: p.write_text(""), "ends within a line .0 bytes."),
        ("2016/SMAP_AM.csv", lambda p: p.unlink(), "SMAP_AM.csv is missing"),
        ("2016/time.csv", drop_last_row, "lists 364 days, needed are the 365"),
        ("const/Clay.csv", drop_last_row, "has 29 lines of 1 values, needed are 30 lines of 1"),
        ("crd.csv", transpose, "needed are 2 lines of 2"),
    ],
)
def test_damaged_files_are_refused_by_name(database, name, damage, message):
    damage(database / name)
    with pytest.raises(DatabaseError, match=message) as caught:
        domain_of(database)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("2015/SMAP_AM.csv", 12.0, "1 values are outside 0..1; the first is 12 at line 2, day 3"),
        ("2015/APCP_FORA.csv", -1.0, "outside 0..100"),
        ("2016/TMP_2_FORA.csv", 12.0, "outside 190..340"),
        ("2016/TMP_2_FORA.csv", np.inf, "outside 190..340; the first is inf"),
    ],
)
def test_impossible_values_are_refused(database, name, value, message):
    change(database, name, (2, 3), value)
    with pytest.raises(DatabaseError, match=message):
        domain_of(database)


def test_dates_must_be_those_of_the_year(database):
    change(database, "2016/time.csv", 5, 1.0)
    with pytest.raises(DatabaseError, match="does not list the days 2016-04-01..2017-03-31"):
        domain_of(database)


@pytest.mark.parametrize("years", [[], [2015, 2017], [2016, 2015]])
def test_years_must_follow_each_other(database, years):
    with pytest.raises(ValueError, match="several in a row"):
        hydrodl.coverage(database, years, TRAINING)


@pytest.mark.parametrize("training", [("2014-04-01", "2016-03-31"), ("2016-03-31", "2015-04-01")])
def test_training_must_lie_within_the_record(database, training):
    with pytest.raises(ValueError, match="not within the record 2015-04-01..2017-03-31"):
        hydrodl.coverage(database, YEARS, training)


def test_required_files_are_all_there_is_to_fetch(database):
    needed = hydrodl.required_files(YEARS)
    assert len(set(needed)) == len(needed) == 1 + 11 + 2 * 9
    for path in database.rglob("*.csv"):
        if str(path.relative_to(database)) not in needed:
            path.unlink()
    domain_of(database)
