"""Neural networks: those of Tsai et al. (2021) and the transformers of Li & Lu (2023)."""

from parlearn.networks.ffn import FeedForward
from parlearn.networks.lstm import LSTM
from parlearn.networks.paraformer import ParaFormerA, ParaFormerZ

__all__ = ["LSTM", "FeedForward", "ParaFormerA", "ParaFormerZ"]
