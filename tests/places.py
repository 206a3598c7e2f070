"""What several test files look at."""

from pathlib import Path

from digitdreams import course

ROOT = Path(__file__).resolve().parents[1]
LESSONS = course.load().lessons
WITH_EXERCISE = [one for one in LESSONS if one.exercise_numbers]
