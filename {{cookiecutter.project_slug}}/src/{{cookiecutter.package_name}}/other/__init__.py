"""Other: a number that follows from the columns of a team's own table."""
