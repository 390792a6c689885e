"""Names, versions and chunks of the five products."""

from datetime import date, datetime

import pytest

from parlearn.plan import products
from parlearn.plan.products import ProductError, belongs, chunks, parse, span, times_needed

CONUS = {"south": 25, "north": 53, "west": -125, "east": -67}


@pytest.mark.parametrize(
    ("product", "name", "series", "start", "end"),
    [
        ("nldas", "NLDAS_FORA0125_H.A20150401.0100.020.nc", "", "2015-04-01T01", "2015-04-01T02"),
        (
            *("nldas", "NLDAS_FORA0125_H.A20150401.0100.020.nc.SUB.nc4", ""),
            *("2015-04-01T01", "2015-04-01T02"),
        ),
        ("nldas", "NLDAS_FORA0125_H.A20150401.020.nc", "", "2015-04-01", "2015-04-02"),
        ("nldas", "NLDAS_FORA0125_H.A201504.020.nc", "", "2015-04-01", "2015-05-01"),
        ("smap", "SMAP_L3_SM_P_E_20150331_R19240_001.h5", "", "2015-03-31", "2015-04-01"),
        ("smap", "SMAP_L3_SM_P_20150331_R18290_002.h5", "", "2015-03-31", "2015-04-01"),
        (
            *("mod16", "MOD16A2GF.A2015009.h08v05.061.2022015012345.hdf", "h08v05"),
            *("2015-01-09", "2015-01-17"),
        ),
        # five days close a year, six a leap year
        (
            *("mod16", "MOD16A2.A2021361.h08v05.061.2022015012345.hdf", "h08v05"),
            *("2021-12-27", "2022-01-01"),
        ),
        (
            *("mod16", "MOD16A2GF.A2016361.h08v05.061.2022015012345.hdf", "h08v05"),
            *("2016-12-26", "2017-01-01"),
        ),
        (
            "cmfd",
            "prec_CMFD_V0106_B-01_03hr_010deg_201512.nc.gz",
            "prec",
            "2015-12-01",
            "2016-01-01",
        ),
        (
            "cmfd",
            "temp_ITPCAS-CMFD_V0106_B-01_03hr_010deg_201502.nc",
            "temp",
            "2015-02-01",
            "2015-03-01",
        ),
        ("gleam", "E_2015_GLEAM_v3.7a.nc", "E", "2015-01-01", "2016-01-01"),
        ("gleam", "SMroot_2015_GLEAM_v4.1a.nc", "SMroot", "2015-01-01", "2016-01-01"),
    ],
)
def test_names(product, name, series, start, end):
    granule = parse(product, name)
    assert granule.series == series
    assert (granule.start, granule.end) == tuple(map(datetime.fromisoformat, (start, end)))


@pytest.mark.parametrize(
    ("product", "name"),
    [
        ("nldas", "NLDAS_FORA0125_H.A20151301.0100.020.nc"),
        ("nldas", "NLDAS_FORA0125_H.A20150401.0100.020.nc.part"),
        ("smap", "SMAP_L2_SM_P_02802_A_20150811T030828_R18290_001.h5"),
        ("mod16", "MOD16A2GF.A2015009.h08v05.061.2022015012345.hdf.xml"),
        ("cmfd", "prec_CMFD_V0106_B-01_01dy_010deg_201501-201512.nc"),
        ("gleam", "E_1980-2022_GLEAM_v3.7a_MO.nc"),
    ],
)
def test_names_of_other_files(product, name):
    assert parse(product, name) is None


def test_of_duplicates_the_last_made_is_the_highest():
    def rank(name):
        return parse("smap", f"SMAP_L3_SM_P_E_20150401_{name}.h5").rank

    assert rank("R16510_003") < rank("R18290_001") < rank("R18290_002") < rank("R18290_010")
    packed, plain = (
        parse("cmfd", f"prec_CMFD_V0106_B-01_03hr_010deg_201512.{end}").rank
        for end in ("nc.gz", "nc")
    )
    assert packed < plain


@pytest.mark.parametrize(
    ("product", "name", "settings", "expected"),
    [
        ("nldas", "NLDAS_FORA0125_H.A20150401.0100.020.nc", {"version": "2.0"}, True),
        ("nldas", "NLDAS_FORA0125_H.A20150401.0100.020.nc", {"version": 2.0}, True),
        ("nldas", "NLDAS_FORA0125_H.A20150401.0100.002.nc", {"version": "2.0"}, False),
        ("nldas", "NLDAS_FORA0125_H.A20150401.0100.020.nc", {}, True),
        ("smap", "SMAP_L3_SM_P_E_20150331_R19240_001.h5", {"short_name": "SPL3SMP_E"}, True),
        ("smap", "SMAP_L3_SM_P_E_20150331_R19240_001.h5", {"short_name": "SPL3SMP"}, False),
        ("smap", "SMAP_L3_SM_P_20150331_R19240_001.h5", {"short_name": "SPL3SMP"}, True),
        ("mod16", "MOD16A2.A2021361.h08v05.061.2022015012345.hdf", {}, False),
        ("mod16", "MOD16A2GF.A2021361.h08v05.006.2022015012345.hdf", {}, False),
        ("mod16", "MOD16A2GF.A2021361.h08v05.061.2022015012345.hdf", {}, True),
        ("cmfd", "prec_CMFD_V0106_B-01_03hr_010deg_201512.nc", {"version": "V0106"}, True),
        ("cmfd", "prec_CMFD_V0200_B-01_03hr_010deg_201512.nc", {}, False),
        ("gleam", "E_2015_GLEAM_v3.7b.nc", {"version": "3.7a"}, False),
        ("gleam", "E_2015_GLEAM_v3.7b.nc", {"version": "v3.7b"}, True),
    ],
)
def test_versions(product, name, settings, expected):
    assert belongs(product, name, settings) == expected


def source(product, first, last, **more):
    return {"record": [first, last], "box": CONUS, "products": {product: {}}} | more


def test_spans_and_chunks():
    smap = source("smap", "2015-04-01", "2018-03-31")
    assert span("smap", smap) == (date(2015, 4, 1), date(2018, 3, 31))
    assert chunks("smap", smap) == ["2015", "2016", "2017", "2018"]
    nldas = source("nldas", "2015-04-01", "2015-06-30")
    assert span("nldas", nldas) == (date(2014, 4, 1), date(2015, 6, 30))
    months = chunks("nldas", nldas)
    assert (months[0], months[8], months[9], months[-1], len(months)) == (
        *("2014-04", "2014-12", "2015-01", "2015-06"),
        15,
    )
    assert products.chunk_days("2014-04", span("nldas", nldas)) == (
        date(2014, 4, 1),
        date(2014, 4, 30),
    )
    assert products.chunk_days("2015", span("smap", smap)) == (date(2015, 4, 1), date(2015, 12, 31))
    leap = source("nldas", "2016-02-29", "2016-03-01")
    assert span("nldas", leap)[0] == date(2015, 3, 1)
    for wrong in ("2015-13", "april"):
        with pytest.raises(ProductError, match="neither a year nor a month"):
            products.chunk_days(wrong, span("nldas", nldas))


def test_hours_that_a_day_is_made_of():
    days = (date(2015, 4, 1), date(2015, 4, 1))
    utc = source("nldas", "2015-04-01", "2015-04-01", day="utc")
    assert times_needed("nldas", days, utc) == (datetime(2015, 4, 1), datetime(2015, 4, 2))
    # midnight at 125 W is at 8:00 UTC, at 67 W at 4:00
    solar = source("nldas", "2015-04-01", "2015-04-01", day="solar")
    assert times_needed("nldas", days, solar) == (datetime(2015, 4, 1, 4), datetime(2015, 4, 2, 8))
    # a cell that leaves a box at the middle between two hours has the clock beyond
    edge = {**solar, "box": {"south": 38, "north": 42, "west": -97.5, "east": -82.5}}
    assert times_needed("nldas", days, edge) == (datetime(2015, 4, 1, 5), datetime(2015, 4, 2, 7))
    # at 121 E it was at 16:00 of the day before, at 111 E at 17:00; one step of three hours more
    china = source("cmfd", "2010-04-01", "2010-04-01", day="solar")
    china["box"] = {"south": 31, "north": 36, "west": 111, "east": 121}
    assert times_needed("cmfd", days, china) == (
        datetime(2015, 3, 31, 13),
        datetime(2015, 4, 1, 20),
    )


def test_first_days():
    assert products.first_day("mod16", {}) == date(2000, 1, 1)
    assert products.first_day("mod16", {"short_name": "MOD16A2"}) == date(2021, 1, 1)
    assert products.first_day("gleam", {"version": "3.7b"}) == date(2003, 1, 1)


def test_unknown_products():
    with pytest.raises(ProductError, match="no product named 'era5'; there are nldas, smap"):
        products.product("era5")
