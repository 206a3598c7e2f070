"""Grading a class: student code runs in a sandbox, marks are decided outside it."""
