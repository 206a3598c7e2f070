"""Digit Dreams: generative image models on MNIST, in Keras 3, on a laptop's CPU.

The package holds what is not the lesson: data, plots, metrics, the judge, checks.
"""

import os

from digitdreams import quiet

# TensorFlow logs a missing GPU as an error; what goes wrong for the reader arrives as
# a Python exception, and what ends the process is still printed.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The course is for TensorFlow, whatever backend the user's own keras.json names.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
quiet.drop_start_up_notes()
