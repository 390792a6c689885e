"""HBV for one basin in plain Python, written from the equations of Seibert & Vis 2012 (HBV-light,
with the additions of Song et al. 2025), to hold the library's HBV against."""


def run(weather, p, state=None):
    """Days ``weather`` [(prec, tair, pet)] with parameters ``p`` (name -> value).

    Gives a list of days (name -> value) and the five stores at the end.
    """
    ice, water, sm, suz, slz = state or (0.0, 0.0, p["FC"] / 2, 0.0, 0.0)
    days = []
    for prec, temp, pet in weather:
        # snow routine, equations 1 to 3: below the threshold all of the precipitation is snow
        rain, snow = (0.0, prec * p["SFCF"]) if temp < p["TT"] else (prec, 0.0)
        ice += snow
        if temp > p["TT"]:
            melt = min(p["CFMAX"] * (temp - p["TT"]), ice)
            ice, water = ice - melt, water + melt
        else:
            back = min(p["CFR"] * p["CFMAX"] * (p["TT"] - temp), water)
            ice, water = ice + back, water - back
        out = max(water - p["CWH"] * ice, 0.0)
        water -= out
        # soil routine, equations 4 and 5
        to_soil = rain + out
        recharge = to_soil * min(sm / p["FC"], 1.0) ** p["BETA"]
        sm += to_soil - recharge
        if sm > p["FC"]:
            recharge, sm = recharge + sm - p["FC"], p["FC"]
        limit = min(sm / (p["LP"] * p["FC"]), 1.0) ** p["BETAET"]
        aet = min(pet * p["PETF"] * limit, sm)
        sm -= aet
        rise = min(p["C"] * slz * (1 - sm / p["FC"]), p["FC"] - sm)
        sm += rise
        # response function, equation 6, the boxes emptied one after another
        suz, slz = suz + recharge, slz - rise
        perc = min(p["PERC"], suz)
        suz, slz = suz - perc, slz + perc
        q0 = p["K0"] * max(suz - p["UZL"], 0.0)
        q1 = p["K1"] * (suz - q0)
        q2 = p["K2"] * slz
        suz, slz = suz - q0 - q1, slz - q2
        days.append(
            {
                "evapotranspiration": aet,
                "runoff": q0 + q1 + q2,
                "quickflow": q0,
                "interflow": q1,
                "baseflow": q2,
                "recharge": recharge,
                "capillary_rise": rise,
                "potential_evapotranspiration": pet * p["PETF"],
                "supply": rain + snow,
                "swe": ice + water,
                "soil_water": sm,
                "upper_zone": suz,
                "lower_zone": slz,
            }
        )
    return days, (ice, water, sm, suz, slz)
