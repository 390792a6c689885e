"""The LSTM surrogate of a process model: inputs, samples, training and use."""
