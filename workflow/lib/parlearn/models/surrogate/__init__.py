"""An LSTM in the place of a process model: inputs, samples, fit and use."""
