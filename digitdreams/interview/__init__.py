"""The interview room: a bank of questions, coding problems, and ways to drill them."""
