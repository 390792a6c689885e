"""Writes docs/networks.md: the networks of Sun et al. (2024) as they are built here.

python docs/layers.py
"""

from pathlib import Path

from parlearn.learn.ganpo import GeneratorShape, build_generator
from parlearn.networks.convolution import Discriminator
from parlearn.networks.dense import DenseEncoderDecoder
from parlearn.networks.tables import layer_table

PAGE = Path(__file__).with_name("networks.md")
#: of the paper's study: six attributes and the mask, seven parameters, seven kinds of weather
ATTRIBUTES, PARAMETERS, WEATHER, SHAPE = 7, 7, 7, (17, 24)


def page() -> str:
    generator = build_generator(GeneratorShape(ATTRIBUTES, PARAMETERS, 32, 3, "penalty"))
    channels = WEATHER + 2  # and the maps of one target, and where it was observed
    discriminator = Discriminator(channels, SHAPE, 32)
    inputs = WEATHER + PARAMETERS + 2
    arnet = DenseEncoderDecoder(inputs, 2)
    padded = " x ".join(str(-(-side // 8) * 8) for side in SHAPE)
    return f"""# Networks on maps

The networks of Sun et al. (2024), whose tables of layers are in a supplement that is not public
with the text, as they are built here: for maps of {SHAPE[0]} x {SHAPE[1]} cells, at the default
sizes of the settings. `python docs/layers.py` writes this page.
[What stands behind them](methods.md#gan-po-and-transfer-functions-sun-et-al-2024).

## Generator of GAN-PO

A U-net: {ATTRIBUTES} maps, of attributes and of where there are cells, become {PARAMETERS} maps
of parameters (the paper's table S1). After each convolution but the last stands LeakyReLU, and
before it, but for the first, a normalisation of each map by itself. Maps are padded to
{padded}; what comes up is joined with what went down at the same size.

{layer_table(generator.body, ATTRIBUTES, *SHAPE)}

## Discriminator of GAN-PO

{WEATHER} maps of weather, one of where something was observed and one of evapotranspiration,
simulated or observed, become one number (the paper's table S2). LeakyReLU stands after each
convolution but the last, batch normalisation before it from the second on.

{layer_table(discriminator, channels, *SHAPE)}

## ARnet

The second surrogate with the sizes of Mo et al. (2019): {inputs} maps, of weather, parameters
and the outputs of the day before, become those of two outputs; attributes and what is derived from
weather are left out of this example. Batch normalisation and ReLU stand before each convolution but
the first and the last two, which join each place's own inputs with what is around it.

{layer_table(arnet, inputs, *SHAPE)}
"""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
