"""Neural networks: the LSTM of Tsai et al. (2021) and the feed-forward parameter network."""

from parlearn.networks.ffn import FeedForward
from parlearn.networks.lstm import LSTM

__all__ = ["LSTM", "FeedForward"]
