"""The units of a study: their splits in space and time, and the tensors a learner reads."""
