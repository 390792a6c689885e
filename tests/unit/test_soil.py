import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parlearn.land.soil import soil_statics


def test_a_hand_computed_loam():
    # 40 % sand, 20 % clay, 40 % silt, worked out from Cosby et al. with a pocket calculator
    soil = soil_statics([40.0], [20.0], [40.0]).isel(cell=0)
    assert float(soil.porosity) == pytest.approx(0.4386)
    assert float(soil.b_clapp) == pytest.approx(6.09)
    assert float(soil.psi_sat_mm) == pytest.approx(10 * 10**1.356)  # 226.99 mm
    # 0.0070556 mm/s x 10^-0.272 = 0.0037717 mm/s
    assert float(soil.Ksat) == pytest.approx(325.88, rel=1e-3)
    assert float(soil.theta_fc) == pytest.approx(0.4386 * (3365 / 226.986) ** (-1 / 6.09), rel=1e-5)
    assert float(soil.bulk_density) == pytest.approx(1507.4, rel=1e-4)
    assert float(soil.quartz) == pytest.approx(0.4)
    assert soil.Ksat.attrs["units"] == "mm day-1"


texture = st.tuples(*[st.floats(0, 100)] * 3).filter(lambda t: 30 <= sum(t) <= 130)


@settings(deadline=None)
@given(texture)
def test_every_texture_gives_what_vic_accepts(parts):
    soil = soil_statics(*([p] for p in parts)).isel(cell=0)
    assert 0 < soil.resid_moist <= soil.theta_wp
    assert 0 < soil.theta_fc <= 0.95 * soil.porosity + 1e-12
    # VIC refuses a wilting point above the critical point or below the residual moisture
    assert soil.Wpwp_FRACT < soil.Wcr_FRACT < 1
    assert soil.Wpwp_FRACT * soil.porosity >= soil.resid_moist - 1e-12
    assert 1 - soil.bulk_density / soil.soil_density == pytest.approx(float(soil.porosity))


@settings(deadline=None)
@given(texture, st.floats(0.5, 1.3))
def test_only_proportions_count(parts, factor):
    scaled = [p * factor for p in parts]
    if not 30 <= sum(scaled) <= 130:
        return
    one, other = (soil_statics(*([p] for p in q)) for q in (parts, scaled))
    for name in one:
        # halving the smallest of floats gives zero: 1e-30 % of sand is none
        np.testing.assert_allclose(one[name], other[name], rtol=1e-9, atol=1e-30)


@pytest.mark.parametrize(
    "bad", [(np.nan, 20.0, 40.0), (-1.0, 50.0, 50.0), (0.0, 0.0, 0.0), (90.0, 90.0, 90.0)]
)
def test_unusable_texture_is_refused_with_its_cell(bad):
    sand, clay, silt = np.array([(40.0, 20.0, 40.0), bad]).T
    with pytest.raises(ValueError, match="1 of 2 cells; the first is cell 1"):
        soil_statics(sand, clay, silt)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="one length"):
        soil_statics([40.0, 40.0], [20.0], [40.0])


def test_measured_porosity_and_conductivity_stand_in_for_those_of_texture():
    sand, clay, silt = np.array([40.0, 60.0]), np.array([20.0, 10.0]), np.array([40.0, 30.0])
    texture = soil_statics(sand, clay, silt)
    own = soil_statics(sand, clay, silt, porosity=[0.5, 0.45], conductivity=[300.0, 2000.0])
    np.testing.assert_allclose(own.porosity, [0.5, 0.45])
    np.testing.assert_allclose(1 - own.bulk_density / own.soil_density, [0.5, 0.45])
    np.testing.assert_allclose(own.Ksat, [300, 2000])
    np.testing.assert_allclose(own.b_clapp, texture.b_clapp)
    assert (own.resid_moist <= own.Wpwp_FRACT * own.porosity).all()
    assert (own.Wpwp_FRACT <= own.Wcr_FRACT).all()
    with pytest.raises(ValueError, match="porosity of .* 1 are missing or outside"):
        soil_statics(sand, clay, silt, porosity=[0.5, np.nan])
